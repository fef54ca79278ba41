//! Does the configuration say exactly what is wrong, and load what is right?
//!
//! `config/good/*.toml` load; `config/bad/NAME.toml` give `config/bad/NAME.txt`, letter by letter. After a change of
//! wording, `GATEPASS_BLESS=1 cargo test --test it config` writes the texts anew: read the difference before you commit it.

mod commands;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use gatepass::config::{self, Loaded, Report};

/// A folder with everything the fixtures point to.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        desk.write("gatepass.secret", b"7yKJ0m3rXbQe9uVwNs5tHfLz1cDaGp8oRi2MxEj6k4A\n");
        desk.write("old.secret", b"Zt4WqLr0dYpS8nGvCf2KxUe7hJb5aMo1iT9mRwQy3Es\n");
        desk.write("short.secret", b"hunter2-hunter2\n");
        desk.write("31-bytes.secret", b"0123456789abcdefghijklmnopqrstu\n");
        desk.write("empty.secret", b"\n");
        desk.write("weak.secret", b"changemechangemechangemechangemechangeme\n");
        desk.write("tutorial.secret", b"09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7\n");
        desk.write("redis.url", b"redis://:hunter2@127.0.0.1:6379/1\n");
        desk.write("not-a-url", b"hunter2\n");
        desk.write("breached.txt", b"letmein-letmein\n");
        let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        desk.write("cert.pem", pair.cert.pem().as_bytes());
        desk.write("key.pem", pair.signing_key.serialize_pem().as_bytes());
        desk
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn load(&self, text: &str) -> Result<Loaded, Report> {
        config::load(&self.write("gateway.toml", text.as_bytes()))
    }

    /// The text as it would be with the file in the current folder.
    fn plain(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.folder.path().display()), "")
    }
}

fn fixtures(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/config").join(folder);
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    found.sort();
    found
}

fn loaded(text: &str) -> Loaded {
    Desk::new().load(text).unwrap_or_else(|report| panic!("{}", report.text))
}

#[test]
fn good_files_load() {
    let files = fixtures("good");
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let desk = Desk::new();
        let result = desk.load(&fs::read_to_string(&file).unwrap());
        let loaded = result.unwrap_or_else(|report| panic!("{}:\n{}", file.display(), report.text));
        assert_eq!(config::expect::run(&loaded.config), [], "{}", file.display());
    }
}

#[test]
fn bad_files_say_what_is_wrong() {
    let bless = std::env::var_os("GATEPASS_BLESS").is_some();
    let files = fixtures("bad");
    assert!(files.len() >= 24, "{}", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let desk = Desk::new();
        let Err(report) = desk.load(&fs::read_to_string(&file).unwrap()) else {
            wrong.push(format!("{} loads", file.display()));
            continue;
        };
        let found = desk.plain(&report.text);
        assert!(!found.contains("hunter2"), "a secret is shown for {}:\n{found}", file.display());
        assert!(found.contains("help: "), "no remedy for {}:\n{found}", file.display());
        assert_eq!(report.findings.len(), report.problems, "{}", file.display());
        let expected = file.with_extension("txt");
        if bless {
            fs::write(&expected, &found).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != found {
            wrong.push(format!("{} gives:\n{found}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_bad_file_but_the_many_is_one_problem() {
    for file in fixtures("bad") {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let report = Desk::new().load(&fs::read_to_string(&file).unwrap()).unwrap_err();
        if name.starts_with("many-") {
            assert!(report.problems >= 10, "{name}: {}", report.text);
        } else {
            assert_eq!(report.problems, 1, "{name}: {}", report.text);
        }
    }
}

#[test]
fn the_shipped_file_loads_without_a_warning() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("gateway.toml")).unwrap();
    let loaded = loaded(&text);
    assert_eq!(loaded.warnings, Vec::<String>::new());
    assert_eq!(loaded.config.routes.len(), 3);
    assert_eq!(loaded.config.expect.len(), 2);
}

/// What the reference says in a comment must be true: with every `# key = value` line uncommented it loads, and it
/// gives the same settings (but for the keys whose comment shows an example).
#[test]
fn the_defaults_in_the_shipped_file_are_the_defaults() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("gateway.toml")).unwrap();
    let examples = [
        "host_header",
        "hosts",
        "certificate",
        "key",
        "[listen.tls]",
        "subject_prefix",
        "threads",
        "memory",
        "iterations",
        "parallelism",
        "verify",
        "rehash",
        "breached",
        // Of sections that are not there by default.
        "table",
        "login",
        "password",
        "path",
        "sign_out",
        "title",
        "after",
    ];
    let mut uncommented = String::new();
    let mut count = 0;
    for line in text.lines() {
        let rest = line.strip_prefix("# ").unwrap_or("");
        let key = rest.split([' ', '=']).next().unwrap_or("");
        let is_key = rest.contains(" = ")
            && !key.is_empty()
            && key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        if is_key && !examples.contains(&key) {
            count += 1;
            uncommented.push_str(rest);
        } else {
            uncommented.push_str(line);
        }
        uncommented.push('\n');
    }
    assert!(count > 25, "{count}");
    let desk = Desk::new();
    let plain = desk.load(&text).unwrap();
    let all = desk.load(&uncommented).unwrap_or_else(|report| panic!("{}", report.text));
    assert_eq!(format!("{:?}", all.config), format!("{:?}", plain.config));
}

#[test]
fn the_containers_file_loads_and_says_that_it_is_plaintext() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/container/gateway.toml");
    let text = fs::read_to_string(path).unwrap();
    assert!(text.lines().next().unwrap().contains("allow_plaintext = true"));
    let desk = Desk::new();
    let loaded =
        desk.load(&text.replace("/var/lib/gatepass/", "")).unwrap_or_else(|report| panic!("{}", report.text));
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
    assert!(loaded.warnings[0].contains("unencrypted"), "{}", loaded.warnings[0]);
}

#[test]
fn a_file_that_cannot_be_read_is_told_apart() {
    let desk = Desk::new();
    let report = config::load(&desk.folder.path().join("absent.toml")).unwrap_err();
    assert!(report.unreadable && report.text.contains("there is no such file"), "{}", report.text);
    let report = config::load(&desk.write("latin1.toml", b"# caf\xe9\n")).unwrap_err();
    assert!(report.unreadable && report.text.contains("not UTF-8"), "{}", report.text);
}

const LEAST: &str = "
[upstreams.app]
servers = [\"127.0.0.1:8000\"]
[tokens]
issuer = \"https://gw.test\"
audience = \"app\"
secret = { file = \"gatepass.secret\" }
";

#[test]
fn warnings_are_said_and_do_not_refuse() {
    let warn = |text: &str| {
        let loaded = loaded(text);
        assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
        loaded.warnings[0].clone()
    };
    let weak = warn(&LEAST.replace("gatepass.secret", "weak.secret"));
    assert!(weak.contains("does not look random") && !weak.contains("changeme"), "{weak}");
    let shadowed = warn(&format!("{LEAST}[[route]]\npath = \"/auth/logout\"\n"));
    assert!(shadowed.contains("can never match"), "{shadowed}");
    let partly = warn(&format!(
        "{LEAST}[[route]]\npath = \"/auth/**\"\nmethods = [\"GET\"]\n[endpoints]\nlogout = []\nrevoke = []\nsessions = []\n"
    ));
    assert!(partly.contains("`/auth/userinfo` is under this route"), "{partly}");
    let signin = warn(&format!("{LEAST}[signin_page]\n[[route]]\npath = \"/auth/signin\"\n"));
    assert!(signin.contains("can never match"), "{signin}");
    let admin = warn(&format!("{LEAST}[listen]\nadmin = \"0.0.0.0:9090\"\n"));
    assert!(admin.contains("other machines"), "{admin}");
    let everyone = warn(&format!("{LEAST}[listen]\ntrusted_proxies = [\"0.0.0.0/0\"]\n"));
    assert!(everyone.contains("every client is believed"), "{everyone}");
    let exposed = warn(&format!(
        "{LEAST}[users]\nstore = \"postgres://db/app?sslmode=disable\"\n[users.fields]\nlogin = \"email\"\npassword = \"hash\"\n"
    ));
    assert!(exposed.contains("cross a network unencrypted"), "{exposed}");
    let unlimited = warn(&format!("{LEAST}[throttle]\nlogins = false\n"));
    assert!(unlimited.contains("nothing limits how many passwords"), "{unlimited}");
}

#[test]
fn a_secret_others_can_read_is_warned_about() {
    let desk = Desk::new();
    let secret = desk.folder.path().join("gatepass.secret");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    let loaded = desk.load(LEAST).unwrap();
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
    assert!(loaded.warnings[0].contains("chmod 600 gatepass.secret"), "{}", loaded.warnings[0]);
}

#[test]
fn the_line_end_of_a_secret_file_is_not_part_of_the_secret() {
    let config = loaded(LEAST).config;
    assert_eq!(config.tokens.secret.len(), 43);
    assert!(!format!("{config:?}").contains("7yKJ0m3rXbQe9uVw"));
}

#[test]
fn what_a_new_file_opens_is_told() {
    let desk = Desk::new();
    let old = desk.write("old.toml", LEAST.replace("gatepass.secret", "elsewhere.secret").as_bytes());
    let new =
        desk.load(&format!("{LEAST}[[route]]\npath = \"/docs/{{page}}\"\naccess = \"public\"\n")).unwrap();
    let opened = config::becomes_public(&new.config, &old).unwrap();
    assert_eq!(opened.len(), 1, "{opened:?}");
    assert_eq!(
        (opened[0].path.as_str(), opened[0].line, opened[0].before),
        ("/docs/{page}", 8, "authenticated")
    );
    assert_eq!(config::becomes_public(&new.config, &new.config.path).unwrap(), []);
}

//! `gatepass init`: a configuration, a secret and a first user, in the current folder.
//!
//! Nothing is overwritten, and nothing is left half done: what was written is removed again when a later step fails,
//! even the last one, which shows the password, or when somebody ends it.

mod starter;
mod written;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::interrupt::until_told;
use super::{Failure, block_on, failure, output};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::identity::{Claims, LoginName, Scopes, UserId};
use crate::password::{Hasher, HasherSettings, NewPassword};
use crate::secret::{self, Secret};
use crate::users::{self, User};
use written::Written;

const CONFIG: &str = "gateway.toml";
const SECRET: &str = "gatepass.secret";
const DATABASE: &str = "gatepass.db";
const LOGIN: &str = "admin";

/// What `init` is told.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  gatepass init\n  gatepass init --upstream http://127.0.0.1:8000")]
pub(crate) struct Args {
    /// The backend: `host:port`, `http://host:port`, `https://host` or `unix:/path`.
    #[arg(long, value_name = "URL", default_value = "127.0.0.1:8000")]
    upstream: String,
}

/// Writes what a gateway needs to start.
#[expect(clippy::needless_pass_by_value, reason = "the dispatcher hands each command its arguments over")]
pub(crate) fn run(args: Args) -> ExitCode {
    failure::exit_code(init(Path::new(""), &args.upstream))
}

fn init(folder: &Path, upstream: &str) -> Result<(), Failure> {
    config::parse_server(upstream)
        .map_err(|help| Failure::usage(format!("{upstream:?} is not the address of a backend")).help(help))?;
    nothing_there(folder)?;
    block_on(async {
        let ended = until_told()?;
        tokio::select! {
            made = make(folder, upstream) => made,
            () = ended => Err(Failure::no("ended before it was done, and nothing was kept").help("run it again")),
        }
    })
}

/// Makes everything and shows the password; dropped half-way, it leaves nothing behind.
async fn make(folder: &Path, upstream: &str) -> Result<(), Failure> {
    let mut written = Written::default();
    let secret = URL_SAFE_NO_PAD.encode(secret::random::<32>());
    written
        .file(&folder.join(SECRET), 0o600, &format!("{secret}\n"))
        .map_err(|error| cannot(SECRET, &error))?;
    let file = folder.join(CONFIG);
    written.file(&file, 0o644, &starter::text(upstream)).map_err(|error| cannot(CONFIG, &error))?;
    let loaded = config::load(&file).map_err(|report| {
        Failure::no(report.text.trim_end().to_owned()).help("this is a fault of `gatepass init`")
    })?;
    written.database(&folder.join(DATABASE));
    let password = secret::random_id();
    first_user(&loaded.config, &password).await?;
    output::say(&farewell(&password)).map_err(|_| {
        Failure::no("nobody can read the password, so nothing was kept").help("run it at a terminal")
    })?;
    written.keep();
    Ok(())
}

/// Refuses to touch anything that is there.
fn nothing_there(folder: &Path) -> Result<(), Failure> {
    let there = |name: &&str| folder.join(name).symlink_metadata().is_ok();
    let found: Vec<&str> = [CONFIG, SECRET, DATABASE].into_iter().filter(there).collect();
    if found.is_empty() {
        return Ok(());
    }
    let (verb, them) = if found.len() == 1 { ("is", "it") } else { ("are", "them") };
    Err(Failure::no(format!("{} {verb} already here, and nothing was written", found.join(", ")))
        .help(format!("move {them} away, or run `gatepass init` in another folder")))
}

fn cannot(name: &str, error: &std::io::Error) -> Failure {
    Failure::no(format!("cannot write {name}: {error}")).help("run it in a folder you may write to")
}

async fn first_user(config: &Config, password: &str) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::no(format!("cannot make the first user: {error}"))
            .help("nothing was kept; mend that and try again")
    };
    let settings = HasherSettings::of(config.passwords.hash);
    let hasher = Hasher::start(settings).map_err(|error| failed(&error))?;
    let new = NewPassword::parse(Secret::from(password)).map_err(|error| failed(&error))?;
    let hash = hasher.hash(new).await.map_err(|error| failed(&error))?;
    let user = User {
        id: UserId::new(),
        login: LoginName::parse(LOGIN).map_err(|error| failed(&error))?,
        email: None,
        password: hash,
        scopes: Scopes::default(),
        disabled: false,
        claims: Claims::default(),
        created: Some(Clock::system().now()),
    };
    let store = users::open(&config.users).await.map_err(|error| failed(&error))?;
    store.create(user).await.map_err(|error| failed(&error))?;
    Ok(())
}

fn farewell(password: &str) -> String {
    format!(
        "wrote {CONFIG}, {SECRET} (mode 0600) and {DATABASE}\n\n\
         The first user; this is the only time the password is shown:\n\
         \x20 login     {LOGIN}\n\
         \x20 password  {password}\n\n\
         Next: say in {CONFIG} what is public and what needs which scopes, then\n\
         \x20 gatepass check\n\
         \x20 gatepass run"
    )
}

/// The files a database consists of.
fn database_files(database: &Path) -> Vec<PathBuf> {
    let beside = |ending: &str| {
        let mut name = database.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    vec![database.to_owned(), beside("-wal"), beside("-shm"), beside("-journal")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn nothing_is_overwritten_and_the_files_in_the_way_are_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(SECRET), "mine").unwrap();
        let failure = init(folder.path(), "127.0.0.1:8000").unwrap_err();
        assert!(format!("{failure:?}").contains(SECRET), "{failure:?}");
        assert_eq!(fs::read(folder.path().join(SECRET)).unwrap(), b"mine");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_upstream_that_is_none_writes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert!(init(folder.path(), "http://127.0.0.1:8000/api").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

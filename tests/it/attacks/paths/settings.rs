//! Configurations that would open more than they say.

use crate::world::binary::gatepass;
use crate::world::{ROUTES, SECRET, config_text};

/// What `gatepass run` says of this configuration; it must not start.
fn no_start(text: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("gatepass.secret"), SECRET).unwrap();
    std::fs::write(dir.path().join("gateway.toml"), text).unwrap();
    let ran = gatepass().args(["run", "--config"]).arg(dir.path().join("gateway.toml")).output().unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(!ran.status.success() && said.contains("error:"), "it ran: {text}\n{said}");
    said
}

fn usual(more: &str) -> String {
    config_text("127.0.0.1:1".parse().unwrap(), &format!("{ROUTES}{more}"))
}

#[test]
fn c24a_what_would_open_more_than_it_says_does_not_start() {
    let route = |lines: &str| usual(&format!("\n[[route]]\n{lines}\n"));
    for (text, named) in [
        (route("path = \"/x/**/y\""), "path"),
        (route("path = \"x\"\naccess = \"public\""), "path"),
        (route("path = \"\"\naccess = \"public\""), "path"),
        (route("path = \"/a/../b\"\naccess = \"public\""), "path"),
        (route("access = \"public\""), "path"),
        (route("path = \"/x\"\nacess = \"public\""), "acess"),
        (route("path = \"/x\"\naccess = \"publik\""), "publik"),
        (route("path = \"/x\"\nproteced = true"), "proteced"),
        (route("path = \"/x\"\nmethods = []"), "method"),
        (route("path = \"/x\"\nscopes = [\"a b\"]"), "scope"),
        (route("path = \"/**\"\naccess = \"public\""), "allow_public_everything"),
        (format!("{}\n[rouets]\n", usual("")), "rouets"),
        (usual("").replace("gatepass.secret", "nowhere.secret"), "tokens.secret"),
        (usual("\n[listen.tls]\ncertificate = \"nowhere.crt\"\nkey = \"nowhere.key\"\n"), "nowhere"),
        (usual("\n[routing]\ndefault = \"open\"\n"), "default"),
    ] {
        let said = no_start(&text);
        assert!(said.contains(named), "{named}: {said}");
    }
}

#[test]
fn h16_plaintext_beyond_loopback_does_not_start() {
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let said =
            no_start(&usual("").replace("public = [\"127.0.0.1:0\"]", &format!("public = [\"{listen}\"]")));
        assert!(said.contains("allow_plaintext"), "{said}");
    }
}

/// There is no setting that changes a path on its way, so no decision can be about another path than the upstream's.
#[test]
fn c22_no_setting_changes_a_path() {
    for setting in ["strip_prefix", "rewrite", "add_prefix", "replace_path", "path_prefix"] {
        let said = no_start(&usual(&format!("\n[[route]]\npath = \"/x/**\"\n{setting} = \"/x\"\n")));
        assert!(said.contains(setting), "{said}");
        let text =
            usual("").replace("[upstreams.planner]", &format!("[upstreams.planner]\n{setting} = \"/x\""));
        assert!(no_start(&text).contains(setting));
    }
}

//! The configuration the demo's gateway reads: short, and a good one to start from.

/// The planner's usual port: where `uvicorn` would be.
pub(super) const PLANNER: u16 = 8000;

/// The secret's file, beside the configuration.
pub(super) const SECRET: &str = "gatepass.secret";

/// Who listens where on loopback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The gateway.
    pub gateway: u16,
    /// Its metrics and health.
    pub admin: u16,
    /// The backend.
    pub planner: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self { gateway: 8080, admin: 9090, planner: PLANNER }
    }
}

/// The text of `gateway.toml`.
pub fn configuration(ports: Ports) -> String {
    let Ports { gateway, admin, planner } = ports;
    format!(
        r#"# The configuration of `gatepass demo`. Files are looked for beside this one.

[listen]
public  = ["127.0.0.1:{gateway}"]      # where clients come in
admin   = "127.0.0.1:{admin}"        # metrics and health
control = "unix:gatepass.control" # where the command line reaches the running gateway

[upstreams.planner]
servers = ["127.0.0.1:{planner}"]

[routing]
default = "authenticated"         # a path that no route names needs a token

[tokens]
issuer   = "http://localhost:{gateway}"
audience = "planner"
lifetime = "30m"
secret   = {{ file = "{SECRET}" }}

[users]
store = "sqlite:gatepass.db"

[revocation]
store = "sqlite:gatepass.db"

[identity]
headers = {{ "X-Auth-User" = "preferred_username", "X-Auth-Subject" = "sub", "X-Auth-Scopes" = "scope" }}

[endpoints]
token  = ["/token", "/user/signin"]
signup = "/user/signup"
signup_scopes = ["event:read", "event:write"]   # what users who sign themselves up may ask for

[[route]]
path   = "/docs"
access = "public"

[[route]]
path    = "/event/**"
methods = ["GET", "HEAD"]

[[route]]
path    = "/event/**"
methods = ["POST", "PUT", "DELETE"]
scopes  = ["event:write"]
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_toml_with_the_ports_in_it() {
        let text = configuration(Ports { gateway: 1, admin: 2, planner: 3 });
        let read: toml::Table = text.parse().unwrap();
        assert_eq!(read["listen"]["public"][0].as_str(), Some("127.0.0.1:1"));
        assert_eq!(read["listen"]["admin"].as_str(), Some("127.0.0.1:2"));
        assert_eq!(read["upstreams"]["planner"]["servers"][0].as_str(), Some("127.0.0.1:3"));
        assert_eq!(read["tokens"]["secret"]["file"].as_str(), Some(SECRET));
    }
}

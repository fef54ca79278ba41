//! What does a first `gateway.toml` say? The commented reference, without the event planner's own routes.

/// The reference: one text to keep true, and a test keeps it.
const REFERENCE: &str = include_str!("../../../gateway.toml");

const ROUTES: &str = "\
# [[route]]
# path = \"/docs/**\"
# access = \"public\"

# [[route]]
# path = \"/event/**\"
# methods = [\"POST\", \"PUT\", \"DELETE\"]
# scopes = [\"event:write\"]

# Cases that `gatepass check` and every start run; one that does not hold refuses the file.
# `then` is 200 (let through), 400, 401, 403 or 405.

[[expect]]
request = \"GET /\"
as = \"anonymous\"
then = 401
";

/// The text, for one backend at `upstream`.
pub(super) fn text(upstream: &str) -> String {
    let settings = REFERENCE.split("[[route]]").next().unwrap_or(REFERENCE);
    let mut text = String::new();
    for line in settings.lines() {
        text.push_str(&adapted(line, upstream));
        text.push('\n');
    }
    text + ROUTES
}

fn adapted(line: &str, upstream: &str) -> String {
    if line.starts_with("# Gatepass: the commented reference.") {
        return "# Gatepass, as `gatepass init` wrote it. Every key there is, with its default.".to_owned();
    }
    if line.starts_with("servers = ") {
        let (_, comment) = line.split_once(']').unwrap_or((line, ""));
        return format!("servers = [{}]{comment}", toml::Value::from(upstream));
    }
    if line.starts_with("token = ") {
        return "# token = \"/token\"                   # sign in; [\"/token\", \"/user/signin\"] has an alias".to_owned();
    }
    if line.starts_with("signup = ") {
        return format!("# {line}");
    }
    // As long as what it replaces, for the comments to stay in their column.
    line.replace("upstreams.planner", "upstreams.app").replace("\"planner\"", "\"app\"    ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::upstream::ServerAddress;

    #[test]
    fn it_loads_and_opens_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("gatepass.secret"),
            "7yKJ0m3rXbQe9uVwNs5tHfLz1cDaGp8oRi2MxEj6k4A\n",
        )
        .unwrap();
        let file = folder.path().join("gateway.toml");
        for upstream in ["https://app.example.org", "unix:/run/a \"b\"\\c.sock"] {
            std::fs::write(&file, text(upstream)).unwrap();
            let config = config::load(&file).map_err(|report| report.text).unwrap().config;
            assert!(config.routes.is_empty() && config.endpoints.signup.is_empty());
            assert_eq!(config.endpoints.token, ["/token"]);
            assert_eq!((config.upstreams.len(), config.upstreams[0].name.as_str()), (1, "app"));
            assert_eq!(config.upstreams[0].servers, [config::parse_server(upstream).unwrap()]);
            assert_eq!(config.tokens.audience, "app");
        }
        assert_eq!(config::parse_server("h:1"), Ok(ServerAddress::Tcp { host: "h".to_owned(), port: 1 }));
        assert!(!text("h:1").contains("planner"), "{}", text("h:1"));
    }
}

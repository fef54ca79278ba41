//! What to try first: lines to paste into a shell, with the values of this run.

use super::Demo;

/// The tour of a running demo.
pub(super) fn text(demo: &Demo) -> String {
    let (login, password) = demo.user();
    let base = demo.gateway().map_or_else(String::new, |address| format!("http://{address}"));
    let notes: Vec<String> = demo.notes.iter().map(|note| format!("note: {note}\n")).collect();
    let notes = notes.concat();
    let lines = lines(&base, login, password);
    let (admin, planner, folder) = (demo.admin(), demo.planner(), demo.folder().display());
    format!(
        "{notes}
gateway   {base}   (metrics and health: http://{admin})
planner   http://{planner}   behind it; it has no login of its own
user      {login}   password {password}
all of it is kept in {folder} and gone when this ends

A first tour, in another terminal:

{lines}
Ctrl-C ends it."
    )
}

/// The lines themselves.
fn lines(base: &str, login: &str, password: &str) -> String {
    let credentials = format!(
        "--data-urlencode {} --data-urlencode {}",
        quoted(&format!("username={login}")),
        quoted(&format!("password={password}"))
    );
    // `-w '\n'` ends bodies that have no line end of their own.
    // Portable to every POSIX shell, and needs no JSON tool.
    let take_token = r#"sed -n 's/.*"access_token" *: *"\([^"]*\)".*/\1/p'"#;
    let event = r#"{"title":"Launch","image":"https://example.org/launch.png","description":"We open the doors","tags":["rust","gateway"],"location":"Online"}"#;
    format!(
        r#"# without a token: 401, and why
curl -iw '\n' {base}/event/

# sign in, and keep the token
TOKEN=$(curl -sS {base}/user/signin {credentials} | {take_token})

# with the token: the planner answers, told by the gateway who asks
curl -iw '\n' {base}/event/ -H "Authorization: Bearer $TOKEN"

# sign out: the same token is now 401 revoked_login, everywhere, at once
curl -iw '\n' -X POST {base}/auth/logout -H "Authorization: Bearer $TOKEN"
curl -iw '\n' {base}/event/ -H "Authorization: Bearer $TOKEN"

# more: a user of your own (409 the second time), an event of your own, what the planner is told of you
curl -iw '\n' {base}/user/signup -H 'Content-Type: application/json' -d '{{"email":"grace@example.org","password":"correct horse battery"}}'
TOKEN=$(curl -sS {base}/user/signin --data-urlencode 'username=grace@example.org' --data-urlencode 'password=correct horse battery' | {take_token})
curl -iw '\n' {base}/event/new -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{event}'
curl -iw '\n' {base}/whoami -H "Authorization: Bearer $TOKEN" -H 'X-Auth-User: somebody.else'
"#
    )
}

/// `text` as one word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_one_word_of_the_shell() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
        let lines = lines("http://127.0.0.1:1", "ada@example.org", "a'b c$d");
        assert!(lines.contains(r"--data-urlencode 'password=a'\''b c$d'"), "{lines}");
    }

    #[test]
    fn the_shell_snippet_takes_the_token_out() {
        let answer = r#"{"access_token":"aa.bb-c_.dd","token_type":"Bearer","expires_in":1800,"scope":""}"#;
        let text = lines("http://x", "a", "b");
        let start = text.find("sed -n").unwrap();
        let command = &text[start..start + text[start..].find(")\n").unwrap()];
        let out = std::process::Command::new("sh")
            .args(["-c", &format!("printf '%s' '{answer}' | {command}")])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(out.stdout).unwrap().trim_end(), "aa.bb-c_.dd");
    }
}

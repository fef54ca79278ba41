//! What does the page look like, and what may it do? HTML without script, a style named by its hash, and headers by which
//! the browser loads nothing else, frames it nowhere and sends its forms nowhere else.

use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, StatusCode};

use super::super::Caller;
use super::super::desk::Reply;
use crate::access::Reason;
use crate::answer;

const STYLE: &str = include_str!("page.css");

static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    HeaderValue::from_str(&policy).expect("base64 and words")
});

/// What is said above a form, or instead of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// Name or password, and nobody learns which.
    Wrong,
    Incomplete,
    /// The cookie that the form repeats is gone, or another.
    Outdated,
    TooMany(Duration),
    Unavailable(Duration),
    Impossible,
    OtherSite,
    NoForm,
    StillSignedIn,
}

impl Message {
    /// How long it is in vain to try again.
    pub(super) const fn wait(self) -> Option<Duration> {
        match self {
            Self::TooMany(wait) | Self::Unavailable(wait) => Some(wait),
            _ => None,
        }
    }

    fn text(self) -> String {
        match self {
            Self::Wrong => "The user name or the password is not right.".into(),
            Self::Incomplete => "Please enter your user name and your password.".into(),
            Self::Outdated => "This form was out of date. Please sign in again.".into(),
            Self::TooMany(wait) => {
                format!("Too many attempts have failed. Please try again in {}.", span(wait))
            }
            Self::Unavailable(_) => {
                "Signing in is not possible right now. Please try again in a moment.".into()
            }
            Self::Impossible => {
                "Signing in is not possible with this account. Please tell its administrator.".into()
            }
            Self::OtherSite => "This did not come from a page of this site, so nothing was done.".into(),
            Self::NoForm => "This form could not be read.".into(),
            Self::StillSignedIn => {
                "You are still signed in: signing out is not possible right now. Please try again \
                                    in a moment."
                    .into()
            }
        }
    }
}

/// A time to wait, for people: whole minutes where it is minutes, and never less than it is.
fn span(wait: Duration) -> String {
    let seconds = wait.as_millis().div_ceil(1000).max(1);
    let (count, unit) = if seconds > 90 { (seconds.div_ceil(60), "minute") } else { (seconds, "second") };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// The page with the form.
pub(super) struct View<'a> {
    pub(super) title: &'a str,
    pub(super) action: &'a str,
    pub(super) username: &'a str,
    pub(super) next: &'a str,
    pub(super) csrf: &'a str,
    pub(super) message: Option<Message>,
}

impl View<'_> {
    pub(super) fn html(&self) -> String {
        let mut main = format!("<h1>{}</h1>\n", escaped(self.title));
        let mut described = "";
        if let Some(message) = self.message {
            main.push_str(&alert(message));
            described = if message == Message::Wrong || message == Message::Incomplete {
                " aria-invalid=\"true\" aria-describedby=\"problem\""
            } else {
                " aria-describedby=\"problem\""
            };
        }
        // Where the name is there already, it is the password that is to be typed.
        let focus = [" autofocus", ""];
        let [name_focus, password_focus] = if self.username.is_empty() { focus } else { ["", " autofocus"] };
        let (action, username) = (escaped(self.action), escaped(self.username));
        let (next, csrf) = (escaped(self.next), escaped(self.csrf));
        let _ = write!(
            main,
            "<form method=\"post\" action=\"{action}\">\n\
             <label for=\"username\">User name</label>\n\
             <input id=\"username\" name=\"username\" type=\"text\" value=\"{username}\" autocomplete=\"username\" \
             autocapitalize=\"none\" spellcheck=\"false\" required{described}{name_focus}>\n\
             <label for=\"password\">Password</label>\n\
             <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" \
             required{described}{password_focus}>\n\
             <input type=\"hidden\" name=\"next\" value=\"{next}\">\n\
             <input type=\"hidden\" name=\"csrf\" value=\"{csrf}\">\n\
             <button type=\"submit\">Sign in</button>\n\
             </form>\n"
        );
        let failed = if self.message.is_some() { "Error: " } else { "" };
        document(&format!("{failed}Sign in – {}", self.title), &main)
    }
}

/// The page that asks before it signs out, and says what was in the way the last time.
pub(super) fn ask_out(title: &str, action: &str, message: Option<Message>) -> String {
    let said = match message {
        Some(message) => alert(message),
        None => "<p>Do you want to sign out?</p>\n".to_owned(),
    };
    let main = format!(
        "<h1>{}</h1>\n{said}<form method=\"post\" action=\"{}\">\n\
         <button type=\"submit\">Sign out</button>\n</form>\n",
        escaped(title),
        escaped(action)
    );
    document(&format!("Sign out – {title}"), &main)
}

/// A page that says one thing, and leads to the form.
pub(super) fn notice(title: &str, form: &str, message: Message) -> String {
    let main = format!(
        "<h1>{}</h1>\n{}<p><a href=\"{}\">To the sign-in page</a></p>\n",
        escaped(title),
        alert(message),
        escaped(form)
    );
    document(&format!("Error – {title}"), &main)
}

fn alert(message: Message) -> String {
    format!("<p id=\"problem\" role=\"alert\">{}</p>\n", escaped(&message.text()))
}

fn document(title: &str, main: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"robots\" content=\"noindex\">\n\
         <title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{main}</main>\n</body>\n</html>\n",
        escaped(title)
    )
}

/// A text where HTML stands, in an element or in a quoted attribute.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}

/// An answer with a page.
pub(super) fn reply(caller: &Caller, status: StatusCode, page: String, reason: Reason) -> Reply {
    let mut reply = Reply::new(answer::html(status, page, &caller.request_id), reason, None);
    guard(&mut reply);
    reply
}

/// An answer that sends the browser to a target of our own.
pub(super) fn see_other(caller: &Caller, target: &str, subject: Option<String>) -> Reply {
    let mut reply = Reply::empty(caller, StatusCode::SEE_OTHER, subject);
    guard(&mut reply);
    reply.headers_mut().extend(HeaderValue::from_str(target).ok().map(|target| (LOCATION, target)));
    reply
}

fn guard(reply: &mut Reply) {
    let headers = reply.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY.clone());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // Not `no-referrer`: browsers without Fetch Metadata would send our own form with `Origin: null`.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(username: &str, message: Option<Message>) -> String {
        let (title, next, csrf) = ("Planner <& Co>", "/a?b=\"c\"&d='e'", "x");
        View { title, action: "/auth/signin", username, next, csrf, message }.html()
    }

    #[test]
    fn nothing_that_is_shown_is_html() {
        let html = view("\"><script>alert('1')</script>&amp;", Some(Message::Wrong));
        assert!(
            html.contains("value=\"&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;\"")
        );
        assert!(html.contains("<h1>Planner &lt;&amp; Co&gt;</h1>"), "{html}");
        assert!(html.contains("value=\"/a?b=&quot;c&quot;&amp;d=&#39;e&#39;\""), "{html}");
        assert!(!html.contains("<script") && !html.contains("http"), "{html}");
    }

    #[test]
    fn a_problem_is_tied_to_the_fields() {
        let html = view("ada", Some(Message::Wrong));
        assert!(html.contains("<p id=\"problem\" role=\"alert\">"));
        assert_eq!(html.matches("aria-invalid=\"true\" aria-describedby=\"problem\"").count(), 2);
        assert!(html.contains("<title>Error: Sign in"));
        assert!(html.contains(
            "required aria-invalid=\"true\" aria-describedby=\"problem\" autofocus>\n<input type=\"hidden\""
        ));
        let html = view("", None);
        assert!(!html.contains(" aria-") && !html.contains("role=\""));
        assert_eq!(html.matches("autofocus").count(), 1);
    }

    #[test]
    fn a_wait_is_never_said_too_short() {
        for (millis, said) in [
            (0, "1 second"),
            (1001, "2 seconds"),
            (90_000, "90 seconds"),
            (90_001, "2 minutes"),
            (300_000, "5 minutes"),
        ] {
            assert_eq!(span(Duration::from_millis(millis)), said);
        }
    }
}

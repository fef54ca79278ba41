//! How do secrets come in? Passwords by prompt or standard input, tokens also as an argument; all bounded.

use std::io::{self, Read as _};

use crate::password::{NewPassword, PasswordPolicy, PasswordRule};
use crate::secret::Secret;

use super::Failure;

/// More than any password or token of ours needs.
const MOST: u64 = 64 * 1024;

/// Where a new password comes from.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct PasswordSource {
    /// Read the password from standard input (one line) instead of asking for it.
    #[arg(long)]
    pub(super) password_stdin: bool,
}

impl PasswordSource {
    /// Reads a password that keeps the rules: one line of stdin, or asked for twice at the terminal.
    pub(super) fn read(self, policy: &PasswordPolicy) -> Result<NewPassword, Failure> {
        let typed = if self.password_stdin { one_line("password")? } else { ask_twice()? };
        policy.check(Secret::from(typed)).map_err(|rule| {
            let help = match rule {
                PasswordRule::Breached => {
                    "choose another: whoever guesses tries the known ones first".to_owned()
                }
                _ => format!("choose a password of {policy}; a few random words are easy to keep"),
            };
            Failure::usage(format!("the password {rule}")).help(help)
        })
    }
}

fn ask_twice() -> Result<String, Failure> {
    let ask = |prompt: &str| {
        rpassword::prompt_password(prompt).map_err(|error| {
            Failure::usage(format!("there is no terminal to ask for a password: {error}"))
                .help("pass it on standard input with --password-stdin")
        })
    };
    let first = ask("New password: ")?;
    if ask("The same again: ")? != first {
        return Err(Failure::no("the two passwords differ").help("try again"));
    }
    Ok(first)
}

/// A token from the argument, or from stdin if it is `-`.
pub(super) fn token(argument: &str) -> Result<String, Failure> {
    if argument == "-" { one_line("token") } else { Ok(argument.trim().to_owned()) }
}

/// The one line on stdin, without its line end.
pub(super) fn one_line(what: &str) -> Result<String, Failure> {
    let mut text = String::new();
    io::stdin()
        .lock()
        .take(MOST + 1)
        .read_to_string(&mut text)
        .map_err(|error| Failure::usage(format!("cannot read the {what} from standard input: {error}")))?;
    only_line(text).map_err(|wrong| {
        Failure::usage(format!("standard input {wrong}"))
            .help(format!("pass the {what} as one line, as in `printf '%s\\n' \"$SECRET\" | gatepass …`"))
    })
}

fn only_line(mut text: String) -> Result<String, &'static str> {
    if text.len() as u64 > MOST {
        return Err("holds more than 64 KiB");
    }
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.is_empty() {
        return Err("is empty");
    }
    if text.contains('\n') {
        return Err("holds more than one line");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_and_no_more() {
        assert_eq!(only_line("pass word \r\n".into()).as_deref(), Ok("pass word "));
        assert_eq!(only_line("x".into()).as_deref(), Ok("x"));
        assert!(only_line("\n".into()).is_err());
        assert!(only_line("a\nb\n".into()).is_err());
        assert!(only_line("x".repeat(64 * 1024 + 1)).is_err());
    }
}

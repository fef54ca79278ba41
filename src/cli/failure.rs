//! How does a command fail? One line that says what is wrong, one that says what to do, and an exit code.

use std::io::{self, Write as _};
use std::process::ExitCode;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// To be told on stderr.
    Told {
        /// 1 or 2.
        code: u8,
        /// What is wrong: one line.
        message: String,
        /// What to do about it.
        help: Option<String>,
    },
    /// Everything has been said already; only the exit code is left.
    Answered(u8),
    /// Nobody reads our stdout any more: no reason to complain.
    ReaderLeft,
}

impl Failure {
    /// It failed, or the answer is no: exit code 1.
    pub(super) fn no(message: impl Into<String>) -> Self {
        Self::Told { code: 1, message: message.into(), help: None }
    }

    /// The command line or the configuration is wrong: exit code 2.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::Told { code: 2, message: message.into(), help: None }
    }

    /// Adds what to do.
    pub(super) fn help(mut self, text: impl Into<String>) -> Self {
        if let Self::Told { help, .. } = &mut self {
            *help = Some(text.into());
        }
        self
    }

    /// A failed write to stdout.
    pub(super) fn writing(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ReaderLeft;
        }
        Self::no(format!("cannot write to standard output: {error}"))
    }
}

/// The end of a command.
pub(super) fn exit_code(done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) | Err(Failure::ReaderLeft) => ExitCode::SUCCESS,
        Err(Failure::Answered(code)) => ExitCode::from(code),
        Err(Failure::Told { code, message, help }) => {
            let help = help.map_or_else(String::new, |help| format!("help: {help}\n"));
            let text = format!("error: {message}\n{help}");
            // Nothing is left to do when stderr is gone.
            let _ = io::stderr().lock().write_all(text.as_bytes());
            ExitCode::from(code)
        }
    }
}

/// What the argument parser has to say: help and version on stdout, anything else on stderr with exit code 2.
pub(super) fn usage(asked: &clap::Error) -> ExitCode {
    // A closed pipe is the only way this fails, and then nobody listens.
    let _ = asked.print();
    ExitCode::from(u8::try_from(asked.exit_code()).unwrap_or(2))
}

//! What was the gateway told to do? The command line: one file per command, one way to fail.
//!
//! Exit codes: 0 it worked (or the answer is yes), 1 it failed (or the answer is no), 2 the command line or the
//! configuration is wrong. Answers go to stdout, everything else to stderr; an error is one line that says what is
//! wrong and one that says what to do. A reader of stdout who leaves early ends the command quietly.

mod check;
mod completions;
mod configured;
mod demo;
mod explain;
mod failure;
mod hash;
mod healthcheck;
mod init;
mod interrupt;
mod output;
mod revoke;
mod run;
mod sessions;
mod stdin;
mod token;
mod user;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use failure::Failure;

/// A reverse-proxy authentication gateway: login, tokens, revocation and forwarding in one binary.
#[derive(Parser)]
#[command(
    name = "gatepass",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  gatepass demo      try it, with nothing else needed\n  gatepass init      write a gateway.toml to start from\n  gatepass           run the gateway that gateway.toml describes"
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// Without a command: run.
    #[command(flatten)]
    run: run::Args,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway (what happens without a command, too).
    #[command(after_help = "Example:\n  gatepass run --config /etc/gatepass/gateway.toml")]
    Run(run::Args),
    /// Run an event planner and the gateway in front of it, with a demo user; print a first tour.
    #[command(
        after_help = "Examples:\n  gatepass demo\n  gatepass demo --port 8888\n  gatepass demo --print-config > gateway.toml"
    )]
    Demo(demo::Args),
    /// Write a commented gateway.toml, a random secret and a first user.
    #[command(after_help = "Example:\n  gatepass init --upstream http://127.0.0.1:8000")]
    Init(init::Args),
    /// Say everything that is wrong with a configuration, and run its `[[expect]]` cases.
    #[command(after_help = "Example:\n  gatepass check gateway.toml")]
    Check(check::Args),
    /// Say what would happen to a request, check by check, without sending it.
    Explain(explain::Args),
    /// Manage the users of the configured store.
    #[command(after_help = "Example:\n  gatepass user add ada@example.org --scopes 'event:read event:write'")]
    User {
        #[command(subcommand)]
        command: user::Command,
    },
    /// Hash a password with the configured scheme.
    #[command(after_help = "Examples:\n  gatepass hash\n  gatepass hash --password-stdin < password.txt")]
    Hash(hash::Args),
    /// Mint, inspect and revoke tokens.
    #[command(after_help = "Example:\n  gatepass token mint --sub car:42 --scope drive --lifetime 1h")]
    Token {
        #[command(subcommand)]
        command: token::Command,
    },
    /// List and end the sign-ins of a user.
    #[command(after_help = "Example:\n  gatepass sessions list --user ada@example.org")]
    Sessions {
        #[command(subcommand)]
        command: sessions::Command,
    },
    /// Ask a running gateway on this machine whether it is ready: exit code 0 or 1.
    #[command(after_help = "Example:\n  gatepass healthcheck --config /etc/gatepass/gateway.toml")]
    Healthcheck(healthcheck::Args),
    /// Write a completion script for a shell.
    #[command(
        after_help = "Example:\n  gatepass completions bash > ~/.local/share/bash-completion/completions/gatepass"
    )]
    Completions(completions::Args),
}

/// Runs the command line.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(asked) => return failure::usage(&asked),
    };
    let done = match cli.command.unwrap_or(Command::Run(cli.run)) {
        Command::Run(args) => run::run(&args),
        Command::Demo(args) => demo::run(args),
        Command::Init(args) => return init::run(args),
        Command::Check(args) => return check::run(args),
        Command::Explain(args) => explain::run(&args),
        Command::User { command } => user::run(command),
        Command::Hash(args) => hash::run(&args),
        Command::Token { command } => token::run(command),
        Command::Sessions { command } => sessions::run(&command),
        Command::Healthcheck(args) => healthcheck::run(&args),
        Command::Completions(args) => completions::run(args, Cli::command()),
    };
    failure::exit_code(done)
}

/// Runs `work` to its end on a small runtime of its own.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        // One command asks few things at once; every thread more would keep memory of its own.
        .max_blocking_threads(8)
        .enable_all()
        .build()
        .map_err(|error| Failure::no(format!("cannot start: {error}")))?;
    let done = runtime.block_on(work);
    // A store's own thread must not hold up the end of a command that has its answer.
    runtime.shutdown_background();
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command of the tree, with the words that lead to it.
    fn every_command(command: &clap::Command, words: &str, found: &mut Vec<(String, clap::Command)>) {
        found.push((words.to_owned(), command.clone()));
        for sub in command.get_subcommands() {
            every_command(sub, &format!("{words} {}", sub.get_name()), found);
        }
    }

    #[test]
    fn the_tree_is_sound_and_every_command_has_an_example() {
        let tree = Cli::command();
        tree.clone().debug_assert();
        let mut found = Vec::new();
        every_command(&tree, "gatepass", &mut found);
        assert!(found.len() > 18, "{}", found.len());
        for (words, command) in found {
            let example = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(example.contains("Example"), "{words} has no example");
            assert!(example.contains("  gatepass"), "{words}: {example}");
        }
    }

    #[test]
    fn without_a_command_it_runs() {
        let cli = Cli::try_parse_from(["gatepass", "--config", "other.toml"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.run.file.config.to_str(), Some("other.toml"));
    }

    #[test]
    fn a_password_is_never_an_argument() {
        for line in [
            &["gatepass", "user", "add", "ada", "--password", "x"][..],
            &["gatepass", "user", "passwd", "ada", "secret"],
            &["gatepass", "hash", "secret"],
        ] {
            assert!(Cli::try_parse_from(line).is_err(), "{line:?}");
        }
    }
}

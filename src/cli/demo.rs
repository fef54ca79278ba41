//! `gatepass demo`: start it, print the tour, wait for Ctrl-C.

use crate::demo::{Demo, DemoError, Options, Ports, configuration};
use crate::secret::Secret;

use super::interrupt::until_told;
use super::{Failure, output};

/// What `demo` is told.
#[derive(Clone, clap::Args)]
pub(super) struct Args {
    /// The gateway's port on 127.0.0.1; without it 8080, or a free one if that is taken. 0 is any free one.
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// The demo user's password, instead of a random one. It guards nothing but this demo.
    #[arg(long, value_name = "PASSWORD")]
    password: Option<String>,
    /// Write the demo's gateway.toml to stdout and do nothing else.
    #[arg(long)]
    print_config: bool,
}

/// Runs the demo until a signal ends it.
pub(super) fn run(args: Args) -> Result<(), Failure> {
    if args.print_config {
        let usual = Ports::default();
        let ports = Ports { gateway: args.port.unwrap_or(usual.gateway), ..usual };
        return output::raw(configuration(ports).as_bytes());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::no(format!("cannot start: {error}")))?;
    let options = Options { port: args.port, password: args.password.map(Secret::from) };
    runtime.block_on(async {
        // Listened for before anything is made that a signal would leave behind.
        let ended = until_told()?;
        let demo = Demo::start(options).await.map_err(|error| failed(&error))?;
        let told = output::say(&demo.tour());
        if told.is_ok() {
            ended.await;
        }
        demo.shutdown().await.map_err(|error| failed(&error))?;
        told
    })
}

fn failed(error: &DemoError) -> Failure {
    match error {
        DemoError::PortTaken(port) => Failure::no(format!("port {port} is taken"))
            .help("choose another with --port, or leave it out: a free one is found"),
        DemoError::Password(rule) => {
            Failure::usage(format!("the password {rule}")).help("leave --password out for a random one")
        }
        DemoError::Io { .. } | DemoError::Start(_) => Failure::no(format!("the demo cannot run: {error}"))
            .help("it needs a temporary folder it can write to and three free ports on 127.0.0.1"),
    }
}

//! `gatepass token inspect`: what does this token say? Decoded, not believed.

use serde_json::json;

use crate::token::Verifier;

use super::super::configured::OptionalConfigFile;
use super::super::{Failure, output, stdin};
use super::verifier;

/// What `inspect` is told.
#[derive(Clone, Debug, clap::Args)]
pub(in super::super) struct Args {
    /// The token, or `-` to read it from standard input.
    #[arg(value_name = "TOKEN|-", allow_hyphen_values = true)]
    token: String,
    #[command(flatten)]
    file: OptionalConfigFile,
}

/// Prints header and claims on stdout, and on stderr what that is worth.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let token = stdin::token(&args.token)?;
    let Some((header, claims)) = Verifier::inspect(&token) else {
        return Err(Failure::no("this is not a signed token in compact form")
            .help("a token has three parts of base64url with dots between them: header.claims.signature"));
    };
    output::json(&json!({ "header": header, "claims": claims }))?;
    output::note("note: decoded, nothing of it verified: anybody can write such a text");
    if let Some(config) = args.file.load()? {
        let verifier = verifier(&config);
        let whose = verifier
            .judge(&token)
            .map_or_else(String::new, |name| format!(" of the trusted issuer `{name}`"));
        let verdict = match verifier.verify(&token) {
            Ok(_) => format!("a good token{whose} (whether it is revoked was not asked)"),
            Err(error) => format!("not a good token{whose}: {error}"),
        };
        output::note(&format!("verdict of {}: {verdict}", config.path.display()));
    }
    Ok(())
}

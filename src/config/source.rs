//! Where is the secret kept? `{ file = "…" }` or `{ env = "…" }`, never the text itself.
//!
//! Nothing here puts a byte of a secret into a message: problems name the setting, the file or the variable.

use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use toml::Spanned;
use toml::de::DeValue;

use super::reading::Reading;
use super::section::{At, Section};
use crate::secret::Secret;

/// More than any key has: a mistaken path to a large file is not read into memory.
const MOST: u64 = 64 * 1024;

/// The secret `setting` (such as `tokens.secret`) that `value` points to.
pub(super) fn read(
    reading: &mut Reading,
    setting: &'static str,
    value: &Spanned<DeValue<'_>>,
) -> Option<At<Secret>> {
    let DeValue::Table(table) = value.get_ref() else {
        inline(reading, setting, value);
        return None;
    };
    let mut section = Section::new(setting, setting.to_owned(), value.span(), table);
    for (key, inner) in section.entries() {
        if !matches!(key.value, "file" | "env") {
            reading.problems.mask(inner.span());
        }
    }
    let file = section.string(reading, "file", "\"gatepass.secret\"");
    let variable = section.string(reading, "env", "\"GATEPASS_SECRET\"");
    let named = section.entries().iter().any(|(key, _)| matches!(key.value, "file" | "env"));
    section.finish(reading);
    match (file, variable) {
        (Some(_), Some(variable)) => {
            let message = format!("`{setting}` names both a file and a variable");
            reading.problems.error(variable.span, message, "keep one of the two");
            None
        }
        (Some(file), None) => from_file(reading, setting, &file),
        (None, Some(variable)) => from_variable(reading, setting, &variable),
        (None, None) => {
            if !named {
                let message = format!("`{setting}` names neither a file nor a variable");
                reading.problems.error(
                    value.span(),
                    message,
                    "{ file = \"gatepass.secret\" } or { env = \"NAME\" }",
                );
            }
            None
        }
    }
}

fn inline(reading: &mut Reading, setting: &'static str, value: &Spanned<DeValue<'_>>) {
    reading.problems.mask(value.span());
    let example = match setting {
        "tokens.previous" => "previous = [{ file = \"old.secret\" }], or [{ env = \"OLD_SECRET\" }]",
        _ => "secret = { file = \"gatepass.secret\" }, or { env = \"GATEPASS_SECRET\" }",
    };
    reading.problems.error(
        value.span(),
        format!("`{setting}` is written into the file, where every reader and every backup finds it"),
        format!("it is known now: make a new one, and keep it apart: {example}"),
    );
}

fn from_file(reading: &mut Reading, setting: &str, file: &At<&str>) -> Option<At<Secret>> {
    let path = reading.resolve(file.value);
    let bytes = match contents(&path) {
        Ok(bytes) => bytes,
        Err(why) => {
            let message = format!("the file of `{setting}` cannot be read: {why}");
            let help =
                "`gatepass init` makes one; by hand: (umask 077; openssl rand -base64 32 > gatepass.secret)";
            reading.problems.error(file.span.clone(), message, help);
            return None;
        }
    };
    let mode = std::fs::metadata(&path).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o007 != 0 {
        reading.problems.warn(
            Some(file.span.clone()),
            format!("the file of `{setting}` can be read by every user of this machine"),
            format!("chmod 600 {}", file.value),
        );
    }
    not_empty(reading, setting, file, bytes)
}

fn contents(path: &Path) -> Result<Vec<u8>, String> {
    let plain = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "not permitted".to_owned(),
        kind => kind.to_string(),
    };
    let metadata = std::fs::metadata(path).map_err(plain)?;
    if !metadata.is_file() {
        return Err("not a plain file".to_owned());
    }
    // Never moved while it grows: no copy is left behind.
    let mut contents = Vec::with_capacity(usize::try_from(metadata.len().min(MOST)).unwrap_or_default() + 64);
    std::fs::File::open(path)
        .and_then(|file| file.take(MOST + 1).read_to_end(&mut contents))
        .map_err(plain)?;
    if contents.len() as u64 > MOST {
        return Err(format!("larger than {} KiB, no secret is", MOST / 1024));
    }
    Ok(contents)
}

fn from_variable(reading: &mut Reading, setting: &str, variable: &At<&str>) -> Option<At<Secret>> {
    let value = if variable.value.is_empty() || variable.value.contains(['=', '\0']) {
        None
    } else {
        std::env::var_os(variable.value)
    };
    let Some(value) = value else {
        let message = format!("the environment variable of `{setting}` is not set");
        let help = "set it for the process that runs gatepass, or use { file = \"…\" }";
        reading.problems.error(variable.span.clone(), message, help);
        return None;
    };
    not_empty(reading, setting, variable, value.into_encoded_bytes())
}

/// Takes off the one line end an editor or `openssl` leaves.
fn not_empty(
    reading: &mut Reading,
    setting: &str,
    source: &At<&str>,
    mut bytes: Vec<u8>,
) -> Option<At<Secret>> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    if bytes.is_empty() {
        let help = "put at least 32 random bytes there: openssl rand -base64 32";
        reading.problems.error(source.span.clone(), format!("`{setting}` is empty"), help);
        return None;
    }
    Some(At { value: Secret::new(bytes), span: source.span.clone() })
}

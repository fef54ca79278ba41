//! `account_check` and `on_down` of `[users]`: how often are the users looked at whose tokens are in use, and what if they
//! cannot be?

use std::time::Duration;

use toml::de::DeValue;

use super::reading::Reading;
use super::section::Section;
use crate::accounts::{OnDown, Settings};

const LEAST: Duration = Duration::from_secs(5);
const MOST: Duration = Duration::from_secs(3600);

/// Reads the two keys.
pub(super) fn read(reading: &mut Reading, section: &mut Section<'_>) -> Settings {
    let or = Settings::default();
    let default = or.check.unwrap_or(MOST);
    let check = match section.value("account_check").map(toml::Spanned::get_ref) {
        Some(DeValue::Boolean(false)) => None,
        Some(DeValue::Boolean(true)) | None => or.check,
        Some(_) => {
            let found = section.duration(reading, "account_check", default, LEAST..=MOST);
            found.map_or(or.check, |found| Some(found.value))
        }
    };
    let on_down = section.word(reading, "on_down", &["serve", "refuse"]);
    if let (None, Some(at)) = (check, &on_down) {
        let help = "remove `on_down`, or `account_check = false`";
        reading.problems.error(at.span.clone(), "`on_down` says nothing where users are not looked at", help);
    }
    let on_down = match on_down.map(|at| at.value) {
        Some("refuse") => OnDown::Refuse,
        _ => OnDown::Serve,
    };
    Settings { check, on_down }
}

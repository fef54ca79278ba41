//! How do registers and entries of the stream read in Redis?

use crate::revocation::log::{Logged, Mark};
use crate::revocation::register::{Register, State};

/// The letter of a state.
pub(super) const fn letter(state: State) -> &'static str {
    match state {
        State::Revoked => "R",
        State::Lifted => "L",
    }
}

/// An entry of the stream: its id `n-0`, and the fields `r` and `m`, in this order.
pub(super) fn logged((id, fields): &(String, Vec<String>)) -> Option<Logged> {
    let [r, register, m, mark] = fields.as_slice() else { return None };
    let well_named = r == "r" && m == "m";
    let seq = id.strip_suffix("-0")?.parse().ok().filter(|_| well_named)?;
    Some(Logged { seq, mark: Mark::from_hex(mark)?, register: Register::from_text(register)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_entries_of_the_log_are_read() {
        let entry =
            |id: &str, fields: &[&str]| (id.to_owned(), fields.iter().map(ToString::to_string).collect());
        let register = "00112233445566778899aabbccddeeff 5 R 6";
        let mark = Mark::random().to_hex();
        assert_eq!(logged(&entry("7-0", &["r", register, "m", &mark])).unwrap().seq, 7);
        for (id, fields) in [
            ("7-1", ["r", register, "m", &mark]),
            ("x-0", ["r", register, "m", &mark]),
            ("7-0", ["q", register, "m", &mark]),
            ("7-0", ["r", "", "m", &mark]),
            ("7-0", ["r", register, "m", "z"]),
        ] {
            assert!(logged(&entry(id, &fields)).is_none());
        }
    }
}

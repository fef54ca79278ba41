//! One target of `fuzz/run`; what must hold is `gatepass_fuzz::target`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gatepass_fuzz::target(bytes));

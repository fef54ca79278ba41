//! One target of `fuzz/run`; what must hold is `gatepass_fuzz::chunks`.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| gatepass_fuzz::chunks(bytes));

//! Whatever Azure's surfaces are sent, reading it ends without a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| strongroom::api::fuzzing::read(input));

//! Fuzzes the parsers of requests to Azure's surfaces: no input may cause a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| strongroom::api::fuzzing::read(input));

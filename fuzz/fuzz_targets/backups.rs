//! Fuzzes the parsers of key backups: no input may cause a panic.
#![no_main]

use strongroom::backup::KeyBackup;
use strongroom::model::container_id::ContainerId;
use strongroom::model::name::HsmName;
use strongroom::security_domain::ContentKey;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    if let Some(key) = ContentKey::from_slice(&[0; 64]) {
        let _ = KeyBackup::open(&key, input);
    }
    let hsm: Result<HsmName, _> = "local".parse();
    if let (Ok(KeyBackup(record)), Ok(hsm)) = (KeyBackup::parse(input), hsm) {
        let _ = record.to_key(&ContainerId::from(&hsm));
    }
});

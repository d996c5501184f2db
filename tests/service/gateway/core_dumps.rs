//! Tests that a gateway never dumps core, since its memory holds secrets.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use super::fixture::Gateway;

#[test]
fn core_dumps_stay_disabled_when_limits_are_raised() {
    let mut gateway = Gateway::new();
    gateway.start();
    let proc = format!("/proc/{}", gateway.pid());
    let limits = std::fs::read_to_string(format!("{proc}/limits")).unwrap();
    let core: Vec<&str> = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max core file size"))
        .unwrap()
        .split_whitespace()
        .collect();
    assert_eq!(core[..2], ["0", "0"], "{limits}");
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        // The /proc files of a process that is not dumpable belong to root, whoever runs it.
        assert_eq!(std::fs::metadata(format!("{proc}/environ")).unwrap().uid(), 0);
    } else {
        // Root can raise the limit of another process, except in some containers.
        let _ =
            Command::new("prlimit").args(["--core=unlimited", "--pid", &gateway.pid().to_string()]).status();
    }
    assert!(!gateway.abort().core_dumped());
}

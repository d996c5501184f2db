//! What a gateway's memory holds stays in it.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use super::site::Site;

#[test]
fn core_dumps_stay_disabled_when_limits_are_raised() {
    let mut site = Site::new();
    site.start();
    let about = format!("/proc/{}", site.pid());
    let limits = std::fs::read_to_string(format!("{about}/limits")).unwrap();
    let core: Vec<&str> = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max core file size"))
        .unwrap()
        .split_whitespace()
        .collect();
    assert_eq!(core[..2], ["0", "0"], "{limits}");
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        // What is about a process that cannot be dumped belongs to root, whoever runs it.
        assert_eq!(std::fs::metadata(format!("{about}/environ")).unwrap().uid(), 0);
    } else {
        // Root can raise the limit of another process, unless it is a container's.
        let _ = Command::new("prlimit").args(["--core=unlimited", "--pid", &site.pid().to_string()]).status();
    }
    assert!(!site.abort().core_dumped());
}

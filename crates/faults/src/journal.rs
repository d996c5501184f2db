//! What the module reports: a line for each fault in the log file, and its own errors on standard error.

use std::fs::File;
use std::io::{self, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::environment;

/// Adds a line on a fault to the log file, if there is one. The text names no argument of the call.
pub(crate) fn record(function: &str, rule: &str, what: &str) {
    let Some(path) = &environment::get().log else { return };
    let line = format!("{} pid={} {function} rule={rule} {what}\n", now(), std::process::id());
    // One write, so that the lines of several processes do not mix.
    let written = File::options()
        .create(true)
        .append(true)
        .open(path)
        .and_then(|mut log| log.write_all(line.as_bytes()));
    if let Err(error) = written {
        complain(&format!("writing {}: {error}", path.display()));
    }
}

/// Writes an error of this module to standard error.
pub(crate) fn complain(text: &str) {
    // Fails if standard error is closed: there is nowhere else to write.
    let _ = writeln!(io::stderr(), "strongroom-faults: {text}");
}

/// The time in seconds since 1970, with milliseconds.
fn now() -> String {
    #[expect(clippy::disallowed_methods, reason = "the time of a line of the log")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    format!("{}.{:03}", since.as_secs(), since.subsec_millis())
}

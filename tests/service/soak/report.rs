//! What happened: calls by result, faults, and the memory of the server.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use super::session::Failure;

/// The duration from which memory is judged, in seconds.
const JUDGED: u64 = 300;

#[derive(Default)]
pub(super) struct Report {
    calls: Mutex<BTreeMap<(String, String), u64>>,
    faults: Mutex<BTreeMap<String, u64>>,
    memory: Mutex<Vec<(Duration, u64, usize)>>,
}

impl Report {
    /// Counts a call.
    pub(super) fn count<T>(&self, operation: &str, result: &Result<T, Failure>) {
        let result = match result {
            Ok(_) => "ok".to_owned(),
            Err(Failure::Lost) => "connection lost".to_owned(),
            Err(Failure::NotFound) => "not found".to_owned(),
            Err(Failure::Refused(why)) => why.clone(),
        };
        *self.calls.lock().unwrap().entry((operation.to_owned(), result)).or_default() += 1;
    }

    /// Counts a fault.
    pub(super) fn fault(&self, what: &str) {
        *self.faults.lock().unwrap().entry(what.to_owned()).or_default() += 1;
    }

    /// Records the memory of a process of the server, in bytes.
    pub(super) fn memory(&self, at: Duration, process: u64, bytes: usize) {
        self.memory.lock().unwrap().push((at, process, bytes));
    }

    /// Checks that there was load and that memory did not grow.
    pub(super) fn check(&self, seconds: u64) {
        let calls = self.calls.lock().unwrap();
        let ok = |operation: &str| calls.get(&(operation.to_owned(), "ok".to_owned())).copied().unwrap_or(0);
        for operation in ["create", "sign", "set secret", "get secret", "set tag", "get tag"] {
            assert!(ok(operation) > 0, "no {operation} succeeded");
        }
        if seconds >= JUDGED {
            let (first, last) = self.peaks();
            assert!(last <= first + first / 4, "memory grew from {first} to {last} bytes");
        }
    }

    /// The largest memory in the first and in the last third of the time, in bytes.
    fn peaks(&self) -> (usize, usize) {
        let memory = self.memory.lock().unwrap();
        let end = memory.last().map_or(Duration::ZERO, |(at, ..)| *at);
        let largest = |from: Duration, to: Duration| {
            let within = memory.iter().filter(|(at, ..)| (from..=to).contains(at));
            within.map(|(_, _, bytes)| *bytes).max().unwrap_or(0)
        };
        (largest(Duration::ZERO, end / 3), largest(end * 2 / 3, end))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((operation, result), count) in &*self.calls.lock().unwrap() {
            writeln!(f, "{count:>8}  {operation}: {result}")?;
        }
        for (what, count) in &*self.faults.lock().unwrap() {
            writeln!(f, "{count:>8}  fault: {what}")?;
        }
        let (first, last) = self.peaks();
        write!(
            f,
            "memory of the server: at most {} MiB in the first third, {} MiB in the last",
            first >> 20,
            last >> 20
        )
    }
}

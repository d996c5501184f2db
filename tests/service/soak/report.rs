//! What happened: calls by result, faults, and the memory of the server.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use super::session::Failure;

/// The life of a process from which its memory is judged.
const JUDGED: Duration = Duration::from_secs(120);

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

    /// Checks that there was load, and that the memory of a process did not grow.
    pub(super) fn check(&self) {
        let calls = self.calls.lock().unwrap();
        let ok = |operation: &str| calls.get(&(operation.to_owned(), "ok".to_owned())).copied().unwrap_or(0);
        for operation in ["create", "sign", "set secret", "get secret", "set tag", "get tag"] {
            assert!(ok(operation) > 0, "no {operation} succeeded");
        }
        let (lived, first, last) = self.memory_of_one_process();
        if lived >= JUDGED {
            assert!(last <= first + first / 4, "memory grew from {first} to {last} bytes in {lived:?}");
        }
    }

    /// Returns how long the process that lived longest was observed, and its largest memory in the first and in the last third of
    /// this time, in bytes.
    fn memory_of_one_process(&self) -> (Duration, usize, usize) {
        let memory = self.memory.lock().unwrap();
        let mut processes: BTreeMap<u64, Vec<(Duration, usize)>> = BTreeMap::new();
        for (at, process, bytes) in &*memory {
            processes.entry(*process).or_default().push((*at, *bytes));
        }
        let span = |samples: &Vec<(Duration, usize)>| samples[samples.len() - 1].0 - samples[0].0;
        let Some(samples) = processes.into_values().max_by_key(span) else { return Default::default() };
        let (begin, lived) = (samples[0].0, span(&samples));
        let largest = |from: Duration, to: Duration| {
            let within = samples.iter().filter(|(at, _)| (from..=to).contains(&(*at - begin)));
            within.map(|(_, bytes)| *bytes).max().unwrap_or(0)
        };
        (lived, largest(Duration::ZERO, lived / 3), largest(lived * 2 / 3, lived))
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
        let (lived, first, last) = self.memory_of_one_process();
        write!(
            f,
            "memory of the server that lived longest, {} s: at most {} MiB in the first third, {} MiB in the last",
            lived.as_secs(),
            first >> 20,
            last >> 20
        )
    }
}

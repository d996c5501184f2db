//! Tests faults of the host: full and read-only file systems, a stepped clock, exhausted descriptors, two servers on one directory,
//! and data directories of other versions.

mod damage;
mod descriptors;
mod disk_full;
mod read_only;
mod scenario;
mod two_servers;
mod upgrade;

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::ambiguous_commit::compile_fault_library;
use crate::support::{Server, strongroom};

/// A library that injects faults, and the file that controls it.
pub(crate) struct Injection {
    directory: TempDir,
    library: PathBuf,
    variable: &'static str,
}

impl Injection {
    /// Compiles the library. `variable` names the file that controls it.
    fn new(source: &str, variable: &'static str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let library = compile_fault_library(directory.path(), source);
        Self { directory, library, variable }
    }

    fn control(&self) -> PathBuf {
        self.directory.path().join("control")
    }

    /// The variables with which the server loads the library.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        vec![
            ("LD_PRELOAD".to_owned(), text(&self.library)),
            (self.variable.to_owned(), text(&self.control())),
        ]
    }

    /// Replaces the content of the control file at once.
    pub(crate) fn set(&self, text: &str) {
        let new = self.directory.path().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.control()).unwrap();
    }

    /// Removes the control file.
    fn clear(&self) {
        std::fs::remove_file(self.control()).unwrap();
    }

    /// Starts a simulator with the library.
    fn start(&self) -> Server {
        let environment = self.environment();
        let environment: Vec<_> = environment.iter().map(|(name, value)| (&**name, &**value)).collect();
        Server::start_with(&[], &environment)
    }
}

/// A library that lets writes fail, see its source.
pub(crate) fn storage_fault() -> Injection {
    Injection::new("storage_fault.c", "STORAGE_FAULT")
}

/// A library that sets the clock of the machine, see its source.
pub(crate) fn stepped_clock() -> Injection {
    Injection::new("stepped_clock.c", "CLOCK_STEP")
}

/// Runs a server in an existing directory, expects that it does not start, and returns its output.
fn refused_start(data: &Path, environment: &[(String, String)]) -> String {
    let mut child = strongroom()
        .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let Output { status, stderr, .. } = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&stderr).into_owned();
    assert!(status.code().is_some_and(|code| code != 0), "{status}: {text}");
    assert!(!text.contains("panicked"), "{text}");
    text
}

/// Returns the status and the body of `/healthz`.
pub(crate) async fn healthz(server: &Server) -> (u16, Value) {
    let url = server.connection().endpoint.replace("127.0.0.1", "localhost") + "/healthz";
    let answer = server.http().get(url).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Waits until `/healthz` has this status, and returns its body.
pub(crate) async fn wait_for_health(server: &Server, status: u16) -> Value {
    let started = Instant::now();
    loop {
        let (found, body) = healthz(server).await;
        if found == status {
            return body;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{body}: {}", server.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// How many lines of the log at level ERROR contain a text.
fn errors_with(server: &Server, text: &str) -> usize {
    server.log().lines().filter(|line| line.contains("\"ERROR\"") && line.contains(text)).count()
}

//! Tests the web console in headless Chromium: the scenarios of `tests/clients/console`, each with a simulator of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use tempfile::TempDir;

use super::sandbox::install_clients;
use crate::support::Server;

const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/console");

/// The names of Chromium's program.
const CHROMIUM: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// How many scenarios run at the same time: they wait about half of their time.
const CONCURRENT: usize = 2;

/// A copy of the scenarios beside the packages that they import.
struct Scenarios {
    directory: TempDir,
    node: PathBuf,
}

impl Scenarios {
    fn prepare() -> Self {
        let clients = install_clients("console");
        let directory = tempfile::tempdir().unwrap();
        let copied =
            Command::new("cp").arg("-r").arg(format!("{SCENARIOS}/.")).arg(directory.path()).status();
        assert!(copied.unwrap().success());
        std::os::unix::fs::symlink(clients.join("node_modules"), directory.path().join("node_modules"))
            .unwrap();
        Self { directory, node: clients.join("bin/node") }
    }

    /// Returns the scenarios of a folder, in order.
    fn of(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path().join(folder)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name.ends_with(".mjs")).collect();
        names.sort();
        names.into_iter().map(|name| format!("{folder}/{name}")).collect()
    }

    /// Runs a scenario with a new simulator. Returns its output, and the log of the simulator.
    fn run(&self, scenario: &str) -> (Output, String) {
        let server = Server::start();
        let output = Command::new(&self.node)
            .arg("run.mjs")
            .arg(scenario)
            .arg(server.directory().join("connection.json"))
            .current_dir(self.directory.path())
            .env("CHROMIUM", chromium())
            .env_remove("NODE_OPTIONS")
            .output()
            .unwrap();
        (output, server.log())
    }

    /// Runs all scenarios of a folder, and expects success.
    fn expect_success(&self, folder: &str) {
        let waiting = Mutex::new(self.of(folder));
        let failures = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..CONCURRENT {
                scope.spawn(|| {
                    loop {
                        let Some(scenario) = waiting.lock().unwrap().pop() else { return };
                        let (output, log) = self.run(&scenario);
                        if !output.status.success() {
                            let failure = format!("{scenario}: {}\n{}\n{log}", output.status, text(&output));
                            failures.lock().unwrap().push(failure);
                        }
                    }
                });
            }
        });
        let failures = failures.into_inner().unwrap();
        assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    }
}

/// Returns the path of Chromium. Panics if it is not installed; `make test` installs it.
fn chromium() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let programs =
        std::env::split_paths(&path).flat_map(|directory| CHROMIUM.map(|name| directory.join(name)));
    programs.into_iter().find(|program| Path::is_file(program)).expect("Chromium is installed")
}

/// Returns everything that a scenario has printed.
fn text(output: &Output) -> String {
    let streams = [&output.stdout, &output.stderr].map(|stream| String::from_utf8_lossy(stream));
    streams.concat()
}

#[test]
fn pages_work() {
    Scenarios::prepare().expect_success("pages");
}

#[test]
fn pages_are_protected_from_other_origins() {
    let scenarios = Scenarios::prepare();
    assert!(scenarios.of("security").len() >= 3);
    scenarios.expect_success("security");
}

/// The tests of the console can fail.
#[test]
fn faults_of_pages_are_reported() {
    let scenarios = Scenarios::prepare();
    for (scenario, reported) in [
        ("failing/console_error.mjs", "this is expected to fail"),
        ("failing/inaccessible_image.mjs", "image-alt"),
        ("failing/stored_token.mjs", "an access token is stored"),
    ] {
        let (output, _) = scenarios.run(scenario);
        assert!(
            !output.status.success() && text(&output).contains(reported),
            "{scenario}: {}",
            text(&output)
        );
    }
    assert_eq!(scenarios.of("failing").len(), 3);
}

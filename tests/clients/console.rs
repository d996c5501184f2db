//! Tests the web console in headless Chromium: the scenarios of `tests/clients/console`, each with a simulator of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use super::sandbox::install_clients;
use crate::support::Server;

const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/console");

/// The names of Chromium's program.
const CHROMIUM: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// The number of tests among which the scenarios of pages are divided, so that they run at the same time.
const PARTS: usize = 6;

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

    /// Runs scenarios one after the other, and expects success.
    fn expect_success(&self, names: impl IntoIterator<Item = String>) {
        for scenario in names {
            let (output, log) = self.run(&scenario);
            assert!(output.status.success(), "{scenario}: {}\n{}\n{log}", output.status, text(&output));
        }
    }

    /// Runs every scenario of a page whose position in the list belongs to a part.
    fn expect_success_of_part(&self, part: usize) {
        let pages = self.of("pages");
        assert!(!pages.is_empty());
        self.expect_success(pages.into_iter().skip(part).step_by(PARTS));
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
fn pages_work_part_1() {
    Scenarios::prepare().expect_success_of_part(0);
}

#[test]
fn pages_work_part_2() {
    Scenarios::prepare().expect_success_of_part(1);
}

#[test]
fn pages_work_part_3() {
    Scenarios::prepare().expect_success_of_part(2);
}

#[test]
fn pages_work_part_4() {
    Scenarios::prepare().expect_success_of_part(3);
}

#[test]
fn pages_work_part_5() {
    Scenarios::prepare().expect_success_of_part(4);
}

#[test]
fn pages_work_part_6() {
    Scenarios::prepare().expect_success_of_part(PARTS - 1);
}

#[test]
fn pages_are_protected_from_other_origins() {
    let scenarios = Scenarios::prepare();
    let security = scenarios.of("security");
    assert!(security.len() >= 3);
    scenarios.expect_success(security);
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

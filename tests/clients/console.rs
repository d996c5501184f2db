//! Tests the web console in headless browsers: the scenarios of `tests/clients/console`, each with a simulator of its own. All run in
//! Chromium, and some of them in Firefox, too.

mod gateway;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use super::sandbox::install_clients;
use crate::support::Server;

const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/console");

/// A browser of the system.
#[derive(Clone, Copy, Debug)]
struct Browser {
    /// The environment variable of `run.mjs` for its path.
    variable: &'static str,
    /// The names of its program.
    programs: &'static [&'static str],
}

const CHROMIUM: Browser =
    Browser { variable: "CHROMIUM", programs: &["chromium", "chromium-browser", "google-chrome"] };

const FIREFOX: Browser = Browser { variable: "FIREFOX", programs: &["firefox-esr", "firefox"] };

/// The scenarios that also run in Firefox, for each of its tests: every page, in light and in dark; the policy of the pages; the
/// keyboard and narrow screens; what is deleted and recovered; a principal without roles; a renewed access token; streams; downloads.
const IN_FIREFOX: [&[&str]; 2] = [
    &["pages/walk.mjs", "security/page.mjs"],
    &[
        "pages/keyboard.mjs",
        "pages/deleted_items.mjs",
        "pages/refusals.mjs",
        "pages/session.mjs",
        "pages/activity.mjs",
        "security/other_origins.mjs",
    ],
];

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
    fn run(&self, browser: Browser, scenario: &str) -> (Output, String) {
        let server = Server::start();
        let output = self.run_at(browser, scenario, &server.directory().join("connection.json"));
        (output, server.log())
    }

    /// Runs a scenario with the server that `connection.json` describes.
    fn run_at(&self, browser: Browser, scenario: &str, connection: &Path) -> Output {
        Command::new(&self.node)
            .arg("run.mjs")
            .arg(scenario)
            .arg(connection)
            .current_dir(self.directory.path())
            .env_remove("CHROMIUM")
            .env_remove("FIREFOX")
            .env(browser.variable, browser.path())
            .env_remove("NODE_OPTIONS")
            .output()
            .unwrap()
    }

    /// Runs scenarios one after the other, and expects success.
    fn expect_success(&self, browser: Browser, names: impl IntoIterator<Item = String>) {
        for scenario in names {
            let (output, log) = self.run(browser, &scenario);
            let (status, printed) = (output.status, text(&output));
            assert!(status.success(), "{scenario} in {browser:?}: {status}\n{printed}\n{log}");
        }
    }

    /// Runs every scenario of a page whose position in the list belongs to a part.
    fn expect_success_of_part(&self, part: usize) {
        let pages = self.of("pages");
        assert!(!pages.is_empty());
        self.expect_success(CHROMIUM, pages.into_iter().skip(part).step_by(PARTS));
    }
}

impl Browser {
    /// Returns the path of its program. Panics if it is not installed; `make test` installs it.
    fn path(self) -> PathBuf {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut programs = std::env::split_paths(&path)
            .flat_map(|directory| self.programs.iter().map(move |name| directory.join(name)));
        programs.find(|program| program.is_file()).unwrap_or_else(|| panic!("{self:?} is not installed"))
    }
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
    scenarios.expect_success(CHROMIUM, security);
}

#[test]
fn pages_work_in_firefox_part_1() {
    Scenarios::prepare().expect_success(FIREFOX, IN_FIREFOX[0].iter().map(ToString::to_string));
}

#[test]
fn pages_work_in_firefox_part_2() {
    Scenarios::prepare().expect_success(FIREFOX, IN_FIREFOX[1].iter().map(ToString::to_string));
}

/// The tests of the console can fail.
#[test]
fn faults_of_pages_are_reported() {
    let scenarios = Scenarios::prepare();
    for (browser, scenario, reported) in [
        (CHROMIUM, "failing/console_error.mjs", "this is expected to fail"),
        (CHROMIUM, "failing/inaccessible_image.mjs", "image-alt"),
        (CHROMIUM, "failing/stored_token.mjs", "an access token is stored"),
        (CHROMIUM, "failing/blocked_style.mjs", "style-src"),
        (FIREFOX, "failing/console_error.mjs", "this is expected to fail"),
        (FIREFOX, "failing/inaccessible_image.mjs", "image-alt"),
        (FIREFOX, "failing/blocked_style.mjs", "style-src"),
    ] {
        let (output, _) = scenarios.run(browser, scenario);
        assert!(
            !output.status.success() && text(&output).contains(reported),
            "{scenario} in {browser:?}: {}",
            text(&output)
        );
    }
    assert_eq!(scenarios.of("failing").len(), 4);
}

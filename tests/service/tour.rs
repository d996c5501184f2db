//! The tours in the README and in the pages of `docs`, line by line as they stand.

use std::process::Command;

use crate::support::{Server, strongroom};

const README: &str = include_str!("../../README.md");
const ACCESS: &str = include_str!("../../docs/access.md");
const EVENTS: &str = include_str!("../../docs/events.md");
const AZURE: &str = include_str!("../../docs/azure.md");
const MANAGED_HSMS: &str = include_str!("../../docs/managed-hsms.md");
const RETENTION: &str = include_str!("../../docs/retention.md");
const ROTATION: &str = include_str!("../../docs/rotation.md");

/// The lines between ```` ```sh tour ```` and the fence that ends it.
fn tour(page: &str) -> Vec<&str> {
    let (_, rest) = page.split_once("\n```sh tour\n").expect("the page has a tour");
    let (tour, _) = rest.split_once("\n```\n").expect("the tour ends");
    tour.lines().filter(|line| !line.trim().is_empty()).collect()
}

/// A shell in which `strongroom` is the program under test, with its environment.
pub(crate) fn shell() -> Command {
    let program = strongroom();
    let directory = std::path::Path::new(program.get_program()).parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(directory).chain(std::env::split_paths(&path))).unwrap();
    let mut shell = Command::new("bash");
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.env("PATH", path);
    shell
}

#[test]
fn readme_tour_runs() {
    let tour = tour(README);
    let commands = tour.iter().filter(|line| line.contains("strongroom ")).count();
    let refusals = tour.iter().filter(|line| line.ends_with("# refused")).count();
    assert!(commands >= 10 && refusals >= 3, "{commands} commands and {refusals} refusals are no tour");
    walk(&tour);
}

#[test]
fn access_tour_runs() {
    walk(&tour(ACCESS));
}

#[test]
fn events_tour_runs() {
    walk(&tour(EVENTS));
}

#[test]
fn azure_tour_runs() {
    walk(&tour(AZURE));
}

#[test]
fn managed_hsms_tour_runs() {
    walk(&tour(MANAGED_HSMS));
}

#[test]
fn retention_tour_runs() {
    walk(&tour(RETENTION));
}

#[test]
fn rotation_tour_runs() {
    walk(&tour(ROTATION));
}

/// Runs each line on one server, and expects what its comment says.
fn walk(tour: &[&str]) {
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    let endpoint = server.connection().endpoint;
    let port = endpoint.rsplit(':').next().unwrap();
    for line in tour {
        // Pages name the port that a server has unless it is told otherwise.
        let line = &line.replace(":8443", &format!(":{port}"));
        let output = shell()
            .args(["-euo", "pipefail", "-c", line])
            .current_dir(&place)
            .env("STRONGROOM_DATA_DIR", server.directory())
            .output()
            .unwrap();
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        // 1 is a refusal; 2 would be a line that makes no sense, 127 a program that is not there.
        let expected = i32::from(line.ends_with("# refused"));
        assert_eq!(output.status.code(), Some(expected), "{line}\n{stdout}{stderr}");
        // Who is refused is told why, and who lacks a right, which.
        assert!(expected == 0 || !stderr.is_empty() || !stdout.is_empty(), "{line}");
        let named = stderr.contains("(action Microsoft.");
        assert_eq!(stderr.contains("ACTION_NOT_GRANTED"), named, "{line}\n{stderr}");
    }
}

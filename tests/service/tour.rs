//! Runs the tours in the README and in the pages of `docs`, line by line.

use std::process::Command;

use crate::before_soft_delete::OPT_OUT;
use crate::support::{Server, strongroom};

const README: &str = include_str!("../../README.md");
const ACCESS: &str = include_str!("../../docs/access.md");
const BATCHES: &str = include_str!("../../docs/batches.md");
const BACKUP: &str = include_str!("../../docs/backup.md");
const EVENTS: &str = include_str!("../../docs/events.md");
const AZURE: &str = include_str!("../../docs/azure.md");
const METRICS: &str = include_str!("../../docs/metrics.md");
const MANAGED_HSMS: &str = include_str!("../../docs/managed-hsms.md");
const VAULTS: &str = include_str!("../../docs/vaults.md");
const RETENTION: &str = include_str!("../../docs/retention.md");
const ROTATION: &str = include_str!("../../docs/rotation.md");
const SECURITY_DOMAIN: &str = include_str!("../../docs/security-domain.md");

/// Returns the commands in a page's ```` ```sh tour ```` blocks. A backslash at the end of a line continues it.
fn tour(page: &str) -> Vec<String> {
    tour_in(page, "sh tour")
}

/// Returns the commands in the blocks with a tag.
fn tour_in(page: &str, tag: &str) -> Vec<String> {
    let begin = format!("\n```{tag}\n");
    let blocks = page.split(begin.as_str()).skip(1);
    let blocks = blocks.map(|rest| rest.split_once("\n```\n").expect("the tour ends").0.replace("\\\n", ""));
    let lines: Vec<String> = blocks
        .flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| !line.trim().is_empty())
        .collect();
    assert!(!lines.is_empty(), "the page has no tour");
    lines
}

/// Returns a shell with the program under test in `PATH`, and with its environment.
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
    assert!(commands >= 10 && refusals >= 3, "the tour has only {commands} commands and {refusals} refusals");
    run_tour(&tour);
}

#[test]
fn access_tour_runs() {
    run_tour(&tour(ACCESS));
}

#[test]
fn backup_tour_runs() {
    run_tour(&tour(BACKUP));
}

#[test]
fn batches_tour_runs() {
    run_tour(&tour(BATCHES));
}

#[test]
fn security_domain_tour_runs() {
    run_tour(&tour(SECURITY_DOMAIN));
}

#[test]
fn events_tour_runs() {
    run_tour(&tour(EVENTS));
}

#[test]
fn azure_tour_runs() {
    run_tour(&tour(AZURE));
}

#[test]
fn managed_hsms_tour_runs() {
    run_tour(&tour(MANAGED_HSMS));
}

#[test]
fn vaults_tour_runs() {
    run_tour(&tour(VAULTS));
}

#[test]
fn tour_before_soft_delete_runs() {
    let server = Server::start_with(&[], &OPT_OUT);
    run_tour_on(&server, &tour_in(VAULTS, "sh tour before soft-delete"));
}

#[test]
fn retention_tour_runs() {
    run_tour(&tour(RETENTION));
}

#[test]
fn rotation_tour_runs() {
    run_tour(&tour(ROTATION));
}

#[test]
fn metrics_tour_runs() {
    let server = Server::start_with(&[], &[("STRONGROOM_METRICS__LISTEN", "127.0.0.1:0")]);
    // The page uses the default address.
    let metrics = server.connection().metrics.unwrap();
    let lines = tour(METRICS).into_iter();
    let lines: Vec<_> = lines.map(|line| line.replace("http://127.0.0.1:8445/metrics", &metrics)).collect();
    run_tour_on(&server, &lines);
}

/// Runs all lines on one server, and expects those with the comment `# refused` to be rejected.
fn run_tour(tour: &[String]) {
    run_tour_on(&Server::start(), tour);
}

fn run_tour_on(server: &Server, tour: &[String]) {
    let directory = tempfile::tempdir().unwrap();
    let endpoint = server.connection().endpoint;
    let port = endpoint.rsplit(':').next().unwrap();
    for line in tour {
        // Pages use the default port.
        let line = &line.replace(":8443", &format!(":{port}"));
        let output = shell()
            .args(["-euo", "pipefail", "-c", line])
            .current_dir(&directory)
            .env("STRONGROOM_DATA_DIR", server.directory())
            .output()
            .unwrap();
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        // 1 is a rejected call; 2 would be a usage error, 127 a missing program.
        let expected = i32::from(line.ends_with("# refused"));
        assert_eq!(output.status.code(), Some(expected), "{line}\n{stdout}{stderr}");
        // A rejection states its reason, and a missing right names the action.
        assert!(expected == 0 || !stderr.is_empty() || !stdout.is_empty(), "{line}");
        let named = stderr.contains("(action Microsoft.");
        assert_eq!(stderr.contains("_NOT_GRANTED"), named, "{line}\n{stderr}");
    }
}

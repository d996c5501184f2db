//! Tests the command line against a server: its output, the stream of the output, and the exit code.

mod access;
mod audit;
mod backup;
mod batch;
mod certificates;
mod control;
mod crypto;
mod environment;
mod import;
mod keys;
mod managed_identity;
mod program;
mod secrets;
mod settings;
mod variables;
mod vaults;
mod watch;

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::support::{Server, strongroom};

/// The command line, with a server and an empty working directory.
struct Cli {
    server: Server,
    directory: TempDir,
}

/// Exit code and output of a command.
#[derive(Debug)]
struct Answer {
    code: i32,
    out: String,
    err: String,
}

impl Cli {
    fn new() -> Self {
        Self { server: Server::start(), directory: tempfile::tempdir().unwrap() }
    }

    /// Returns a command that runs the program with `STRONGROOM_DATA_DIR` set.
    fn strongroom(&self) -> Command {
        let mut command = strongroom();
        command.current_dir(&self.directory).env("STRONGROOM_DATA_DIR", self.server.directory());
        command
    }

    /// Runs a command line, split at blanks.
    fn run(&self, line: &str) -> Answer {
        answer(self.strongroom().args(line.split(' ')))
    }

    /// Runs a command line, expects success, and returns its standard output.
    fn ok(&self, line: &str) -> String {
        let answer = self.run(line);
        assert_eq!((answer.code, answer.err.as_str()), (0, ""), "{line}\n{answer:?}");
        answer.out
    }

    /// Runs a command line with JSON output, expects success, and returns the value.
    fn json(&self, line: &str) -> serde_json::Value {
        serde_json::from_str(&self.ok(&format!("--output json {line}"))).unwrap()
    }

    /// Runs a command line, expects failure, and returns the error message.
    fn fails(&self, line: &str) -> String {
        let answer = self.run(line);
        assert_eq!((answer.code, answer.out.as_str()), (1, ""), "{line}\n{answer:?}");
        assert!(answer.err.starts_with("error: ") && answer.err.ends_with('\n'), "{line}\n{answer:?}");
        answer.err
    }

    /// Runs a command line with bytes on standard input.
    fn pipe(&self, line: &str, input: &[u8]) -> Answer {
        let mut child = self
            .strongroom()
            .args(line.split(' '))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Answer::of(child.wait_with_output().unwrap())
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.directory.path().join(name), content).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.directory.path().join(name)).unwrap()
    }

    /// Runs `openssl` in the working directory.
    fn openssl(&self, line: &str) -> Vec<u8> {
        openssl(self.directory.path(), line)
    }
}

impl Answer {
    fn of(output: std::process::Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

fn answer(command: &mut Command) -> Answer {
    Answer::of(command.output().unwrap())
}

pub(crate) fn openssl(directory: &Path, line: &str) -> Vec<u8> {
    let output = Command::new("openssl").args(line.split(' ')).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "openssl {line}\n{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Decodes base64url without padding.
fn base64url(value: &serde_json::Value) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(value.as_str().unwrap()).unwrap()
}

/// Returns the names of an object's members, sorted.
fn members(value: &serde_json::Value) -> Vec<&str> {
    let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

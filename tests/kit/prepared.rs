//! Prepares the data directory of a simulator's first start once per build of the program, and copies it for each test.
//!
//! A first start generates an RSA key, certificates and a token, which takes a debug build some seconds of CPU time.
//! Tests of the first start itself call [`Server::start_in`](crate::support::Server::start_in).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use crate::support::{signal, strongroom};

/// How long the preparing server may take to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// Makes `data` a copy of the prepared data directory.
pub(crate) fn copy_to(data: &Path) {
    copy(&prepared(), data);
}

/// Returns the prepared data directory of this build of the program.
fn prepared() -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("data-directories");
    fs::create_dir_all(&root).unwrap();
    // Tests are processes: the first takes the lock and prepares the directory, the others wait.
    let lock = fs::File::options().create(true).append(true).open(root.join("lock")).unwrap();
    lock.lock().unwrap();
    let prepared = root.join(build());
    if !prepared.exists() {
        for entry in fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                // Prepared by an older build, or incomplete.
                fs::remove_dir_all(entry).unwrap();
            }
        }
        let unfinished = root.join("unfinished");
        prepare(&unfinished);
        fs::rename(unfinished, &prepared).unwrap();
    }
    prepared
}

/// Returns an identifier of this build of the program: its modification time and size.
fn build() -> String {
    let program = fs::metadata(env!("CARGO_BIN_EXE_strongroom")).unwrap();
    let built = program.modified().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    format!("{}-{}", built.as_nanos(), program.len())
}

/// Starts a simulator in an empty directory and stops it once it is ready.
fn prepare(data: &Path) {
    let mut server = strongroom()
        .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let ready = data.join("dev.env");
    let started = Instant::now();
    // The server writes this file last.
    while !ready.exists() {
        assert!(
            started.elapsed() < READY_TIMEOUT,
            "the server that prepares a data directory is not ready in time"
        );
        assert!(server.try_wait().unwrap().is_none(), "the server that prepares a data directory ended");
        std::thread::sleep(Duration::from_millis(10));
    }
    signal(&server, "TERM");
    assert!(server.wait().unwrap().success());
    // Tests wait for this file to detect that their own server is ready.
    fs::remove_file(ready).unwrap();
}

/// Copies a directory recursively, with permissions.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

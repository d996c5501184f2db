//! A data directory as a simulator's first start makes it: prepared once for each build of the program, copied for each test.
//!
//! A first start generates an RSA key, certificates and a token, which costs a debug build some seconds of processor time. What
//! a first start does is the subject of the tests that call [`Server::start_in`](crate::support::Server::start_in).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use crate::support::{signal, strongroom};

/// How long the preparing server may take to be ready, and then to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes `data` a copy of the prepared data directory.
pub(crate) fn copy_to(data: &Path) {
    copy(&prepared(), data);
}

/// The prepared data directory of this build of the program.
fn prepared() -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("data-directories");
    fs::create_dir_all(&root).unwrap();
    // Tests are processes: the first takes the lock and prepares, the others wait for it.
    let lock = fs::File::options().create(true).append(true).open(root.join("lock")).unwrap();
    lock.lock().unwrap();
    let prepared = root.join(build());
    if !prepared.exists() {
        for entry in fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                // Prepared by an older build, or not to the end.
                fs::remove_dir_all(entry).unwrap();
            }
        }
        let unfinished = root.join("unfinished");
        prepare(&unfinished);
        fs::rename(unfinished, &prepared).unwrap();
    }
    prepared
}

/// What tells one build of the program from another.
fn build() -> String {
    let program = fs::metadata(env!("CARGO_BIN_EXE_strongroom")).unwrap();
    let built = program.modified().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    format!("{}-{}", built.as_nanos(), program.len())
}

/// Starts a simulator in an empty directory and ends it once it is ready.
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
    // Written last.
    while !ready.exists() {
        assert!(started.elapsed() < PATIENCE, "no data directory could be prepared");
        assert!(server.try_wait().unwrap().is_none(), "the server that prepares a data directory ended");
        std::thread::sleep(Duration::from_millis(10));
    }
    signal(&server, "TERM");
    assert!(server.wait().unwrap().success());
    // Its appearance tells a test that its own server is ready.
    fs::remove_file(ready).unwrap();
}

/// Copies a directory with everything in it and the permissions that it has.
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

//! Several instances of the service over one database.

use std::path::Path;
use std::process::Command;

use crate::simulator::Simulator;

/// What the data directories of instances have in common.
const SHARED: [&str; 5] = ["authority", "tls", "ca.pem", "token.pin", "token.so-pin"];

/// Starts another instance with these settings, over the database and with the tokens of the first one.
pub(crate) fn start_beside(
    first: &Simulator,
    program: &Path,
    settings: &[(&str, &str)],
) -> anyhow::Result<Simulator> {
    let directory = tempfile::tempdir()?;
    let data = directory.path().join("data");
    std::fs::create_dir(&data)?;
    let shared = SHARED.map(|name| first.data().join(name));
    let copied = Command::new("cp").arg("--archive").args(shared).arg(&data).status()?;
    anyhow::ensure!(copied.success(), "the data directory cannot be copied");
    std::os::unix::fs::symlink(first.data().join("softhsm"), data.join("softhsm"))?;
    Simulator::start_in(directory, program, settings)
}

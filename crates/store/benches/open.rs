//! Measures what stored keys cost when a store is opened: time and resident memory, without the rest of the service.
//!
//! `cargo bench -p strongroom-store` prints a table with a line for each store: one with many soft-deleted keys of one version
//! each, and one with live keys of five versions. Each store is filled and opened by processes of their own, so that the memory
//! is that of the opened store. `-- keys versions` measures one other store.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use strongroom_model::change::{Change, VersionOrigin};
use strongroom_model::deletion::{Deletable, Transition};
use strongroom_model::name::{HsmName, KeyName};
use strongroom_model::retention::Deletion;
use strongroom_store::{Commit, Rules};

#[path = "../tests/fixture/mod.rs"]
mod fixture;

use fixture::{Done, at, insert_hsm, open, version};

/// The number of keys per commit.
const BATCH: usize = 2_000;

fn main() -> Done {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match arguments[..] {
        ["fill", database, keys, versions] => {
            runtime.block_on(fill(database.as_ref(), keys.parse()?, versions.parse()?))
        }
        ["open", database] => runtime.block_on(measure(database.as_ref())),
        [keys, versions] => table(&[(keys.parse()?, versions.parse()?)]),
        _ => table(&[(1_000_000, 1), (5_000, 5)]),
    }
}

fn table(stores: &[(usize, usize)]) -> Done {
    let child = |arguments: &[&str]| -> Done<String> {
        let output = Command::new(std::env::current_exe()?).args(arguments).output()?;
        match output.status.success() {
            true => Ok(String::from_utf8(output.stdout)?),
            false => Err(String::from_utf8_lossy(&output.stderr).into()),
        }
    };
    let mut empty = None;
    print_line("    keys  versions   open ms   bytes per key");
    for (keys, versions) in [(0, 0)].iter().chain(stores) {
        let directory = tempfile::tempdir()?;
        let database: PathBuf = directory.path().join("store.db");
        let database = database.to_string_lossy();
        child(&["fill", &database, &keys.to_string(), &versions.to_string()])?;
        let opened = child(&["open", &database])?;
        let (millis, kibibytes) = opened.trim().split_once(' ').ok_or("no measurement")?;
        let kibibytes: usize = kibibytes.parse()?;
        let empty = *empty.get_or_insert(kibibytes);
        let bytes = (kibibytes.saturating_sub(empty) * 1024).checked_div(*keys).unwrap_or_default();
        print_line(&format!("{keys:>8}  {versions:>8}  {millis:>8}  {bytes:>14}"));
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the table is the result")]
fn print_line(line: &str) {
    println!("{line}");
}

/// Prints the time to open the store, in milliseconds, and the resident memory of the process, in KiB.
async fn measure(database: &Path) -> Done {
    let started = Instant::now();
    let store = open(database).await?;
    let millis = started.elapsed().as_millis();
    let status = std::fs::read_to_string("/proc/self/status")?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    print_line(&format!("{millis} {}", resident.trim().trim_end_matches(" kB")));
    store.close().await;
    Ok(())
}

/// Creates an HSM with keys. Those of one version are soft-deleted.
async fn fill(database: &Path, keys: usize, versions: usize) -> Done {
    let store = open(database).await?;
    let name: HsmName = "bench".parse()?;
    store.commit(Commit { changes: insert_hsm(&name)?, ..Commit::default() }).await?;
    for start in (0..keys).step_by(BATCH) {
        let mut changes = Vec::new();
        for number in start..keys.min(start + BATCH) {
            let key: KeyName = format!("key-{number}").parse()?;
            for _ in 0..versions {
                let version = version(&name, &key)?;
                changes.push(Change::InsertVersion(version, VersionOrigin::Created));
            }
            if versions == 1 {
                let days = 7 + i64::try_from(number)? % 80;
                let scheduled_purge_at = at(days * 86_400)?;
                let deletion = Deletion { deleted_at: at(0)?, scheduled_purge_at };
                let key = Deletable::Key((&name).into(), key);
                changes.push(Change::Transition(key, Transition::SoftDelete(deletion)));
            }
        }
        // The operator's rules have no limit on the number of keys.
        store.commit(Commit { changes, rules: Rules::Configured, ..Commit::default() }).await?;
    }
    store.close().await;
    Ok(())
}

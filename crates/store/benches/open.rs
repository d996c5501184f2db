//! Measures what stored keys cost when a store is opened: time and resident memory, without the rest of the service.
//!
//! `cargo bench -p strongroom-store` prints a table with a line for each store: one with many soft-deleted keys of one version
//! each, and one with live keys of five versions. Each store is filled and opened by processes of their own, so that the memory
//! is that of the opened store. `-- keys versions` measures one other store.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use strongroom_environment::clock::Clock;
use strongroom_environment::ids::Ids;
use strongroom_model::change::{Change, ControlChange, VersionOrigin};
use strongroom_model::deletion::{Deletable, Transition};
use strongroom_model::hsm::{Activation, ManagedHsm, NetworkRules};
use strongroom_model::key::{Attributes, Curve, KeyOperation, KeyVersion, Protection, PublicMaterial};
use strongroom_model::name::{HsmName, KeyName};
use strongroom_model::resource::{ResourceGroup, Subscription, SubscriptionId};
use strongroom_model::retention::{Deletion, RetentionDays};
use strongroom_model::setting::Settings;
use strongroom_model::{Timestamp, due::Notices, key::Tags};
use strongroom_store::{Commit, Options, RecordBatch, RecordLog, Rules, Store};
use uuid::Uuid;

type Done<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The number of keys per commit.
const BATCH: usize = 2_000;
/// When the keys are created and deleted, in Unix seconds.
const CREATED: i64 = 1_800_000_000;

/// A log without records: no commit of the benchmark has one.
struct NoRecords;

impl RecordLog for NoRecords {
    fn last(&self) -> (u64, String) {
        (0, String::new())
    }

    fn read_after(&mut self, _: u64, _: &mut dyn FnMut(&str)) -> io::Result<()> {
        Ok(())
    }

    fn append(&mut self, _: &RecordBatch) -> io::Result<()> {
        Ok(())
    }

    fn discard_failed(&mut self) -> io::Result<()> {
        Ok(())
    }
}

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

async fn open(database: &Path) -> Done<Store> {
    let options = Options { clock: Clock::virtual_clock(), ..Options::default() };
    Ok(Store::open(database, Vec::new(), options, Box::new(NoRecords)).await?)
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
    let created = Timestamp::from_second(CREATED)?;
    let hsm = hsm(created)?;
    let name = hsm.name.clone();
    let (subscription, tenant) = (hsm.subscription, hsm.tenant);
    let parent = Subscription { id: subscription, name: "bench".to_owned(), tenant, protected: false };
    let group = ResourceGroup {
        subscription,
        name: hsm.resource_group.clone(),
        location: hsm.location.clone(),
        created,
        tags: Tags::new(),
    };
    let parents = [ControlChange::PutSubscription(parent), ControlChange::PutResourceGroup(group)];
    let mut changes: Vec<Change> = parents.into_iter().map(Change::Control).collect();
    changes.push(Change::InsertHsm(hsm, Vec::new()));
    store.commit(Commit { changes, ..Commit::default() }).await?;
    for start in (0..keys).step_by(BATCH) {
        let mut changes = Vec::new();
        for number in start..keys.min(start + BATCH) {
            let key: KeyName = format!("key-{number}").parse()?;
            for _ in 0..versions {
                let version = version(&name, &key, created);
                changes.push(Change::InsertVersion(version, VersionOrigin::Created));
            }
            if versions == 1 {
                let days = 7 + i64::try_from(number)? % 80;
                let scheduled_purge_at = Timestamp::from_second(CREATED + days * 86_400)?;
                let deletion = Deletion { deleted_at: created, scheduled_purge_at };
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

fn hsm(created: Timestamp) -> Done<ManagedHsm> {
    let name: HsmName = "bench".parse()?;
    Ok(ManagedHsm {
        id: Ids.guid(),
        name,
        tenant: Uuid::from_u128(2),
        subscription: SubscriptionId(Uuid::from_u128(1)),
        resource_group: "bench".parse()?,
        location: "localhost".to_owned(),
        sku: "Standard_B1".to_owned(),
        retention: RetentionDays::DEFAULT,
        purge_protection: false,
        activation: Activation::Active,
        initial_administrators: Vec::new(),
        token_serial: "0123456789abcdef".to_owned(),
        created,
        deletion: None,
        tags: Tags::default(),
        network: NetworkRules::default(),
        settings: Settings::default(),
        security_domain: None,
        transfer_key: None,
        backup_jobs: Vec::new(),
    })
}

fn version(hsm: &HsmName, key: &KeyName, created: Timestamp) -> KeyVersion {
    // Public keys differ from each other.
    let version = Ids.version();
    let coordinate = || version.as_bytes().repeat(2);
    KeyVersion {
        container: hsm.into(),
        name: key.clone(),
        version,
        material: PublicMaterial::Ec { crv: Curve::P256, x: coordinate(), y: coordinate() },
        protection: Protection::Hsm,
        operations: [KeyOperation::Sign, KeyOperation::Verify].into_iter().collect(),
        attributes: Attributes {
            enabled: true,
            not_before: None,
            expires: None,
            created,
            updated: created,
            exportable: false,
        },
        tags: Tags::default(),
        notices: Notices::default(),
        mode_family: None,
    }
}

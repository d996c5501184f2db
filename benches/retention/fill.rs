//! Fills a store with deleted keys.

use std::path::Path;

use strongroom::clock::Clock;
use strongroom::config;
use strongroom::engine::AuditFiles;
use strongroom::ids::Ids;
use strongroom::model::Timestamp;
use strongroom::model::change::{Change, ControlChange, VersionOrigin};
use strongroom::model::deletion::{Deletable, Transition};
use strongroom::model::due::Notices;
use strongroom::model::hsm::{Activation, ManagedHsm, NetworkRules};
use strongroom::model::key::{Attributes, Curve, KeyOperation, KeyVersion, Protection, PublicMaterial, Tags};
use strongroom::model::name::{HsmName, KeyName};
use strongroom::model::resource::{ResourceGroup, ResourceGroupName, Subscription, SubscriptionId};
use strongroom::model::retention::{Deletion, RetentionDays};
use strongroom::model::setting::Settings;
use strongroom::model::time::ClockSetting;
use strongroom::store::{Commit, Options, Rules, Store};
use strongroom::token::softhsm::Directory;
use strongroom::token::{Module, Profile, TokenPool, TokenSource, TokenUsage};
use uuid::Uuid;

/// The deletion time of all keys, at which the clock is frozen, in Unix seconds.
pub(crate) const DELETED_AT: i64 = 1_800_000_000;
/// The earliest scheduled purge date, in Unix seconds.
pub(crate) const FIRST_PURGE_AT: i64 = DELETED_AT + 86_400;
/// The number of keys per commit.
const BATCH: usize = 2_000;

/// The name of the HSM.
pub(crate) fn hsm() -> HsmName {
    match "bench".parse() {
        Ok(name) => name,
        Err(_) => unreachable!("the name is valid"),
    }
}

/// Opens the store.
pub(crate) async fn open(directory: &Path, clock: &Clock) -> anyhow::Result<Store> {
    let options = Options {
        control_plane_roles: config::control_plane_roles()?,
        clock: clock.clone(),
        ..Options::default()
    };
    let roles = config::built_in_roles()?;
    let files = AuditFiles::open(&directory.join("audit"), u64::MAX)?;
    Ok(Store::open(&directory.join("bench.db"), roles, options, Box::new(files)).await?)
}

/// A pool of SoftHSM tokens in the directory.
pub(crate) fn token_pool(directory: &Path) -> anyhow::Result<TokenPool> {
    let softhsm = Directory::prepare(&directory.join("softhsm"))?;
    let module = Module::load_softhsm(&softhsm, None, Profile::named("softhsm")?)?;
    let source = TokenSource::SoftHsm { pin: "bench-user-pin".into(), so_pin: "bench-officer-pin".into() };
    Ok(TokenPool::new(module, source))
}

/// Creates an HSM with `keys` deleted keys. `due` of them have the same scheduled purge date, the others later ones.
pub(crate) async fn fill(directory: &Path, keys: usize, due: usize) -> anyhow::Result<()> {
    let clock = Clock::virtual_clock();
    let store = open(directory, &clock).await?;
    let deleted_at = Timestamp::from_second(DELETED_AT)?;
    let token = token_pool(directory)?.allocate("bench", TokenUsage::default).await?;
    let subscription = SubscriptionId(Uuid::from_u128(1));
    let group: ResourceGroupName = "bench".parse()?;
    let resource = ManagedHsm {
        id: Ids.guid(),
        name: hsm(),
        tenant: Uuid::from_u128(2),
        subscription,
        resource_group: group.clone(),
        location: "localhost".to_owned(),
        sku: "Standard_B1".to_owned(),
        retention: RetentionDays::DEFAULT,
        purge_protection: false,
        activation: Activation::Active,
        initial_administrators: Vec::new(),
        token_serial: token.info().serial.clone(),
        created: deleted_at,
        deletion: None,
        tags: Tags::default(),
        network: NetworkRules::default(),
        settings: Settings::default(),
        security_domain: None,
        transfer_key: None,
        backup_jobs: Vec::new(),
    };
    let subscription_resource = Subscription {
        id: subscription,
        name: "bench".to_owned(),
        tenant: resource.tenant,
        protected: false,
    };
    let location = resource.location.clone();
    let group = ResourceGroup { subscription, name: group, location, created: deleted_at, tags: Tags::new() };
    let changes = vec![
        Change::SetClock(ClockSetting { offset: 0, frozen: Some(deleted_at) }),
        Change::Control(ControlChange::PutSubscription(subscription_resource)),
        Change::Control(ControlChange::PutResourceGroup(group)),
        Change::InsertHsm(resource, Vec::new()),
    ];
    store.commit(Commit { changes, ..Commit::default() }).await?;
    for start in (0..keys).step_by(BATCH) {
        let mut changes = Vec::with_capacity(2 * BATCH);
        for number in start..keys.min(start + BATCH) {
            // The others are spread over 80 days, beginning a week after the measured ones.
            let seconds = if number < due { 0 } else { 7 * 86_400 + i64::try_from(number)? % (80 * 86_400) };
            let scheduled_purge_at = Timestamp::from_second(FIRST_PURGE_AT + seconds)?;
            let version = version(number, deleted_at)?;
            let (hsm, name) = (version.container.clone(), version.name.clone());
            changes.push(Change::InsertVersion(version, VersionOrigin::Created));
            let deletion = Deletion { deleted_at, scheduled_purge_at };
            changes.push(Change::Transition(Deletable::Key(hsm, name), Transition::SoftDelete(deletion)));
        }
        // `Rules::Configured` lifts the limit on the number of keys, which the measurement exceeds.
        store.commit(Commit { changes, rules: Rules::Configured, ..Commit::default() }).await?;
    }
    store.close().await;
    token.drain(std::time::Duration::from_secs(10)).await;
    Ok(())
}

fn version(number: usize, created: Timestamp) -> anyhow::Result<KeyVersion> {
    let name: KeyName = format!("key-{number}").parse()?;
    Ok(KeyVersion {
        container: hsm().into(),
        name,
        version: Ids.version(),
        material: PublicMaterial::Ec { crv: Curve::P256, x: vec![7; 32], y: vec![9; 32] },
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
    })
}

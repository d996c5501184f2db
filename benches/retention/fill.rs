//! Fills a store with deleted keys.

use std::path::Path;

use strongroom::clock::Clock;
use strongroom::ids::Ids;
use strongroom::model::Timestamp;
use strongroom::model::change::{Change, VersionOrigin};
use strongroom::model::deletion::{Deletable, Transition};
use strongroom::model::key::{Curve, KeyVersion, PublicMaterial};
use strongroom::model::retention::Deletion;
use strongroom::model::time::ClockSetting;
use strongroom::store::{Commit, Rules};
use strongroom::token::TokenUsage;

use crate::contents;
use crate::engine::{open_store, token_pool};

/// The deletion time of all keys, at which the clock is frozen, in Unix seconds.
pub(crate) const DELETED_AT: i64 = 1_800_000_000;
/// The earliest scheduled purge date, in Unix seconds.
pub(crate) const FIRST_PURGE_AT: i64 = DELETED_AT + 86_400;
/// The number of keys per commit.
const BATCH: usize = 2_000;

/// Creates an HSM with `keys` deleted keys. `due` of them have the same scheduled purge date, the others later ones.
pub(crate) async fn fill(directory: &Path, keys: usize, due: usize) -> anyhow::Result<()> {
    let clock = Clock::virtual_clock();
    let store = open_store(directory, &clock).await?;
    let deleted_at = Timestamp::from_second(DELETED_AT)?;
    let (_, pool) = token_pool(directory)?;
    let token = pool.allocate("bench", TokenUsage::default).await?;
    let created = contents::hsm(token.info().serial.clone(), deleted_at)?;
    let mut changes = vec![Change::SetClock(ClockSetting { offset: 0, frozen: Some(deleted_at) })];
    changes.extend(contents::creation(created, Vec::new()));
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
    let material = PublicMaterial::Ec { crv: Curve::P256, x: vec![7; 32], y: vec![9; 32] };
    Ok(contents::key_version(format!("key-{number}").parse()?, Ids.version(), material, created))
}

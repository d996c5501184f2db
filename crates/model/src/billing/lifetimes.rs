//! Resolves HSM names to lifetimes: a name that is reused after a purge belongs to another HSM.

use std::collections::HashMap;

use super::facts::VersionUse;
use super::period::{Period, start_of_day};
use crate::lifetime::HsmLifetime;
use crate::name::HsmName;

/// The lifetimes of HSMs by case-insensitive name, oldest first.
#[derive(Debug)]
pub struct LifetimesByName<'a>(HashMap<String, Vec<&'a HsmLifetime>>);

impl<'a> LifetimesByName<'a> {
    /// Indexes lifetimes of all subscriptions; HSM names are unique across subscriptions.
    pub fn new(lives: &'a [HsmLifetime]) -> Self {
        let mut by_name: HashMap<String, Vec<&HsmLifetime>> = HashMap::new();
        for life in lives {
            by_name.entry(life.name.to_case_insensitive()).or_default().push(life);
        }
        for lives in by_name.values_mut() {
            lives.sort_by_key(|life| (life.created_at(), life.id));
        }
        Self(by_name)
    }

    /// Returns the HSM that had a name in a span; the last one if there were several.
    pub fn in_span(&self, name: &HsmName, span: Period) -> Option<&'a HsmLifetime> {
        let lives = self.0.get(&name.to_case_insensitive())?;
        let overlaps = |life: &&&HsmLifetime| life.created_at() < span.to && span.from <= life.purged_at();
        lives.iter().rev().find(overlaps).copied()
    }

    /// Returns the HSM of a key version, determined by its first use: a version belongs to one HSM.
    pub fn of_version(&self, used: &VersionUse) -> Option<&'a HsmLifetime> {
        let first = used.days.first()?;
        let day = Period { from: start_of_day(first), to: start_of_day(first.saturating_add(1)) };
        self.in_span(&used.hsm, day)
    }
}

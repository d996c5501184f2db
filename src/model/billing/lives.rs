//! Which HSM a name meant: a name that is used again after a purge is another HSM's.

use std::collections::HashMap;

use super::facts::VersionUse;
use super::period::{Period, start_of_day};
use crate::model::lifetime::HsmLifetime;
use crate::model::name::HsmName;

/// The lives of HSMs by name, oldest first.
#[derive(Debug)]
pub struct Lives<'a>(HashMap<String, Vec<&'a HsmLifetime>>);

impl<'a> Lives<'a> {
    /// These lives, of all subscriptions: names are unique among all.
    pub fn new(lives: &'a [HsmLifetime]) -> Self {
        let mut by_name: HashMap<String, Vec<&HsmLifetime>> = HashMap::new();
        for life in lives {
            by_name.entry(life.name.folded()).or_default().push(life);
        }
        for lives in by_name.values_mut() {
            lives.sort_by_key(|life| (life.born(), life.id));
        }
        Self(by_name)
    }

    /// Who had a name in a span: the last one, if it changed hands.
    pub fn in_span(&self, name: &HsmName, span: Period) -> Option<&'a HsmLifetime> {
        let lives = self.0.get(&name.folded())?;
        let there = |life: &&&HsmLifetime| life.born() < span.to && span.from <= life.gone();
        lives.iter().rev().find(there).copied()
    }

    /// In which HSM a version was used. Its first use tells: a version is in one HSM alone.
    pub fn of_version(&self, used: &VersionUse) -> Option<&'a HsmLifetime> {
        let first = used.days.first()?;
        let day = Period { from: start_of_day(first), to: start_of_day(first.saturating_add(1)) };
        self.in_span(&used.hsm, day)
    }
}

//! Resolves names of containers to lifetimes: a name that is reused after a purge belongs to another container.

use std::collections::HashMap;

use super::facts::VersionUse;
use super::period::{Period, start_of_day};
use crate::container_id::ContainerId;
use crate::lifetime::ContainerLifetime;

/// The lifetimes of containers by case-insensitive identifier, oldest first.
#[derive(Debug)]
pub struct LifetimesByName<'a>(HashMap<String, Vec<&'a ContainerLifetime>>);

impl<'a> LifetimesByName<'a> {
    /// Indexes lifetimes of all subscriptions; names are unique across subscriptions, by kind of container.
    pub fn new(lives: &'a [ContainerLifetime]) -> Self {
        let mut by_name: HashMap<String, Vec<&ContainerLifetime>> = HashMap::new();
        for life in lives {
            by_name.entry(life.container.to_case_insensitive()).or_default().push(life);
        }
        for lives in by_name.values_mut() {
            lives.sort_by_key(|life| (life.created_at(), life.id));
        }
        Self(by_name)
    }

    /// Returns the lifetime of a container in a span; the last one if there were several.
    pub fn in_span(&self, container: &ContainerId, span: Period) -> Option<&'a ContainerLifetime> {
        let lives = self.0.get(&container.to_case_insensitive())?;
        let overlaps =
            |life: &&&ContainerLifetime| life.created_at() < span.to && span.from <= life.purged_at();
        lives.iter().rev().find(overlaps).copied()
    }

    /// Returns the lifetime of the container of a key version, determined by its first use: a version belongs to one.
    pub fn of_version(&self, used: &VersionUse) -> Option<&'a ContainerLifetime> {
        let first = used.days.first()?;
        let day = Period { from: start_of_day(first), to: start_of_day(first.saturating_add(1)) };
        self.in_span(&used.container, day)
    }
}

//! The uncommitted changes of a group.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::foreign_changes::Touched;
use super::hsms::PhaseBegun;
use super::objects::Staged;
use super::resources::Resources;
use super::roles::Roles;
use crate::model::audit_key::AuditKey;
use crate::model::certificate::{Certificate, CertificateSettings};
use crate::model::change::Intent;
use crate::model::container::Container;
use crate::model::event::LifecycleEvent;
use crate::model::key::Key;
use crate::model::secret::Secret;
use crate::model::time::ClockSetting;

/// Uncommitted changes, which are not applied to memory yet. Map keys are names, or stored identifiers of containers, in
/// lower case.
#[derive(Default)]
pub(super) struct ChangeSet {
    /// `None` if the container was purged.
    pub(super) containers: BTreeMap<String, Option<Container>>,
    pub(super) phases: Vec<PhaseBegun>,
    pub(super) keys: Staged<Key>,
    pub(super) secrets: Staged<Secret>,
    pub(super) certificates: Staged<Certificate>,
    pub(super) certificate_settings: BTreeMap<String, Arc<CertificateSettings>>,
    pub(super) roles: BTreeMap<String, Arc<Roles>>,
    pub(super) opened: Vec<Intent>,
    pub(super) closed: Vec<Uuid>,
    pub(super) clock: Option<ClockSetting>,
    pub(super) audit_keys: Vec<AuditKey>,
    /// Whether a hold of the machine's clock is released.
    pub(super) released: bool,
    pub(super) resources: Option<Arc<Resources>>,
    pub(super) events: Vec<Arc<LifecycleEvent>>,
}

impl ChangeSet {
    /// Whether there are no changes, as in a group of audit records only.
    pub(super) fn is_empty(&self) -> bool {
        let Self {
            containers,
            phases,
            keys,
            secrets,
            certificates,
            certificate_settings,
            roles,
            opened,
            closed,
            clock,
            audit_keys,
            released,
            resources,
            events,
        } = self;
        containers.is_empty()
            && phases.is_empty()
            && keys.is_empty()
            && secrets.is_empty()
            && certificates.is_empty()
            && certificate_settings.is_empty()
            && roles.is_empty()
            && opened.is_empty()
            && closed.is_empty()
            && clock.is_none()
            && audit_keys.is_empty()
            && !released
            && resources.is_none()
            && events.is_empty()
    }

    /// What is changed.
    pub(super) fn touched(&self) -> Touched {
        let containers =
            (self.containers.keys()).chain(self.roles.keys()).chain(self.certificate_settings.keys());
        let objects = (self.keys.keys()).chain(self.secrets.keys()).chain(self.certificates.keys());
        Touched {
            all: self.resources.is_some() || self.clock.is_some(),
            containers: containers.cloned().collect(),
            records: !self.containers.is_empty(),
            objects: objects.cloned().collect(),
        }
    }

    /// Merges the changes of a later commit of the group.
    pub(super) fn absorb(&mut self, later: Self) {
        for (purged, _) in later.containers.iter().filter(|(_, container)| container.is_none()) {
            // Earlier changes of the group in a purged container have no effect.
            self.keys.retain(|(container, _), _| container != purged);
            self.secrets.retain(|(container, _), _| container != purged);
            self.certificates.retain(|(container, _), _| container != purged);
            self.certificate_settings.remove(purged);
            self.roles.remove(purged);
        }
        self.containers.extend(later.containers);
        self.phases.extend(later.phases);
        self.keys.extend(later.keys);
        self.secrets.extend(later.secrets);
        self.certificates.extend(later.certificates);
        self.certificate_settings.extend(later.certificate_settings);
        self.roles.extend(later.roles);
        self.opened.extend(later.opened);
        self.closed.extend(later.closed);
        self.clock = later.clock.or(self.clock);
        self.audit_keys.extend(later.audit_keys);
        self.released |= later.released;
        self.resources = later.resources.or(self.resources.take());
        self.events.extend(later.events);
    }
}

//! The printed form of managed HSMs.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::api::grpc::pb;
use crate::cli::container::{NetworkView, last};
use crate::cli::output::TableRow;
use crate::cli::{table, time_argument};
use crate::model::Timestamp;

/// A managed HSM.
#[derive(Serialize)]
pub(super) struct HsmView {
    name: String,
    location: String,
    sku: String,
    tenant_id: String,
    administrators: Vec<String>,
    retention_days: u32,
    purge_protection: bool,
    recovery_level: String,
    activated: bool,
    data_plane: String,
    created: Option<Timestamp>,
    tags: BTreeMap<String, String>,
    network: NetworkView,
}

impl From<pb::ManagedHsm> for HsmView {
    fn from(hsm: pb::ManagedHsm) -> Self {
        Self {
            name: hsm.name,
            location: hsm.location,
            sku: hsm.sku.unwrap_or_default(),
            tenant_id: hsm.tenant_id,
            administrators: hsm.administrators,
            retention_days: hsm.retention_days.unwrap_or_default(),
            purge_protection: hsm.purge_protection,
            recovery_level: hsm.recovery_level,
            activated: hsm.activated,
            data_plane: hsm.data_plane,
            created: time_argument::from_wire(hsm.created),
            tags: hsm.tags.into_iter().collect(),
            network: hsm.network.unwrap_or_default().into(),
        }
    }
}

impl HsmView {
    fn state(&self) -> &'static str {
        if self.activated { "active" } else { "not activated" }
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let tags: Vec<_> = self.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
        vec![
            ("name", last(&self.name)),
            ("resource", self.name.clone()),
            ("location", self.location.clone()),
            ("sku", self.sku.clone()),
            ("state", self.state().to_owned()),
            ("retention", format!("{} days", self.retention_days)),
            ("purge protection", if self.purge_protection { "on" } else { "off" }.to_owned()),
            ("recovery level", self.recovery_level.clone()),
            ("administrators", self.administrators.join(", ")),
            ("created", time_argument::format(self.created)),
            ("tags", tags.join(", ")),
            ("public network", self.network.public_network_access.clone()),
            ("ip rules", self.network.ip_rules.join(", ")),
        ]
    }

    /// Formats the fields as text.
    pub(super) fn text(&self) -> String {
        table::fields(&self.fields())
    }
}

impl TableRow for HsmView {
    const HEADINGS: &'static [&'static str] =
        &["NAME", "LOCATION", "SKU", "STATE", "RETENTION", "RECOVERY LEVEL"];

    fn cells(&self) -> Vec<String> {
        vec![
            last(&self.name),
            self.location.clone(),
            self.sku.clone(),
            self.state().to_owned(),
            format!("{} days", self.retention_days),
            self.recovery_level.clone(),
        ]
    }
}

/// A deleted managed HSM.
#[derive(Serialize)]
pub(super) struct DeletedHsmView {
    name: String,
    deleted_at: Option<Timestamp>,
    scheduled_purge_at: Option<Timestamp>,
    managed_hsm: HsmView,
}

impl From<pb::DeletedManagedHsm> for DeletedHsmView {
    fn from(deleted: pb::DeletedManagedHsm) -> Self {
        Self {
            name: deleted.name,
            deleted_at: time_argument::from_wire(deleted.deleted_at),
            scheduled_purge_at: time_argument::from_wire(deleted.scheduled_purge_at),
            managed_hsm: deleted.managed_hsm.unwrap_or_default().into(),
        }
    }
}

impl DeletedHsmView {
    /// Formats the fields as text.
    pub(super) fn text(&self) -> String {
        let mut fields = self.managed_hsm.fields();
        fields.push(("deleted", time_argument::format(self.deleted_at)));
        fields.push(("scheduled purge", time_argument::format(self.scheduled_purge_at)));
        table::fields(&fields)
    }
}

impl TableRow for DeletedHsmView {
    const HEADINGS: &'static [&'static str] =
        &["NAME", "LOCATION", "DELETED", "SCHEDULED PURGE", "RECOVERY LEVEL"];

    fn cells(&self) -> Vec<String> {
        vec![
            last(&self.name),
            self.managed_hsm.location.clone(),
            time_argument::format(self.deleted_at),
            time_argument::format(self.scheduled_purge_at),
            self.managed_hsm.recovery_level.clone(),
        ]
    }
}

/// The result of an activation.
#[derive(Serialize)]
pub(super) struct Activated {
    pub(super) name: String,
    pub(super) activated: bool,
}

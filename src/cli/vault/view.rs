//! The printed form of vaults.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::api::grpc::pb;
use crate::cli::container::{NetworkView, last};
use crate::cli::output::TableRow;
use crate::cli::{table, time_argument};
use crate::model::Timestamp;

/// A vault.
#[derive(Serialize)]
pub(super) struct VaultView {
    name: String,
    location: String,
    sku: String,
    tenant_id: String,
    soft_delete: bool,
    retention_days: u32,
    purge_protection: bool,
    recovery_level: String,
    rbac_authorization: bool,
    access_policies: Vec<PolicyView>,
    data_plane: String,
    created: Option<Timestamp>,
    updated: Option<Timestamp>,
    tags: BTreeMap<String, String>,
    network: NetworkView,
    virtual_network_rules: Vec<String>,
    enabled_for_deployment: bool,
    enabled_for_disk_encryption: Option<bool>,
    enabled_for_template_deployment: Option<bool>,
}

/// An access policy. A list of permissions that is absent is `null`.
#[derive(Serialize)]
pub(super) struct PolicyView {
    tenant_id: String,
    principal_id: String,
    application_id: Option<String>,
    keys: Option<Vec<String>>,
    secrets: Option<Vec<String>>,
    certificates: Option<Vec<String>>,
    storage: Option<Vec<String>>,
}

impl From<pb::AccessPolicy> for PolicyView {
    fn from(policy: pb::AccessPolicy) -> Self {
        let permissions = policy.permissions.unwrap_or_default();
        let names = |list: Option<pb::PermissionNames>| list.map(|list| list.names);
        Self {
            tenant_id: policy.tenant_id,
            principal_id: policy.principal_id,
            application_id: Some(policy.application_id).filter(|id| !id.is_empty()),
            keys: names(permissions.keys),
            secrets: names(permissions.secrets),
            certificates: names(permissions.certificates),
            storage: names(permissions.storage),
        }
    }
}

impl PolicyView {
    fn text(&self) -> String {
        let application = self.application_id.as_ref().map(|id| format!(" with application {id}"));
        let kinds = [
            ("keys", &self.keys),
            ("secrets", &self.secrets),
            ("certificates", &self.certificates),
            ("storage", &self.storage),
        ];
        let lists = kinds.into_iter().filter_map(|(kind, names)| {
            let names = names.as_ref().filter(|names| !names.is_empty())?;
            Some(format!("{kind} {}", names.join(",")))
        });
        let lists: Vec<_> = lists.collect();
        format!("{}{}: {}", self.principal_id, application.unwrap_or_default(), lists.join("; "))
    }
}

impl From<pb::Vault> for VaultView {
    fn from(vault: pb::Vault) -> Self {
        Self {
            name: vault.name,
            location: vault.location,
            sku: vault.sku.unwrap_or_default(),
            tenant_id: vault.tenant_id,
            soft_delete: vault.soft_delete.unwrap_or(true),
            retention_days: vault.retention_days.unwrap_or_default(),
            purge_protection: vault.purge_protection,
            recovery_level: vault.recovery_level,
            rbac_authorization: vault.rbac_authorization.unwrap_or_default(),
            access_policies: vault.access_policies.into_iter().map(PolicyView::from).collect(),
            data_plane: vault.data_plane,
            created: time_argument::from_wire(vault.created),
            updated: time_argument::from_wire(vault.updated),
            tags: vault.tags.into_iter().collect(),
            network: vault.network.unwrap_or_default().into(),
            virtual_network_rules: vault.virtual_network_rules,
            enabled_for_deployment: vault.enabled_for_deployment,
            enabled_for_disk_encryption: vault.enabled_for_disk_encryption,
            enabled_for_template_deployment: vault.enabled_for_template_deployment,
        }
    }
}

impl VaultView {
    fn permission_model(&self) -> &'static str {
        if self.rbac_authorization { "Azure RBAC" } else { "access policies" }
    }

    fn fields(&self) -> Vec<(&'static str, String)> {
        let tags: Vec<_> = self.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut fields = vec![
            ("name", last(&self.name)),
            ("resource", self.name.clone()),
            ("location", self.location.clone()),
            ("sku", self.sku.clone()),
            ("retention", format!("{} days", self.retention_days)),
            ("soft-delete", if self.soft_delete { "on" } else { "off" }.to_owned()),
            ("purge protection", if self.purge_protection { "on" } else { "off" }.to_owned()),
            ("recovery level", self.recovery_level.clone()),
            ("permission model", self.permission_model().to_owned()),
            ("created", time_argument::format(self.created)),
            ("updated", time_argument::format(self.updated)),
            ("tags", tags.join(", ")),
            ("public network", self.network.public_network_access.clone()),
            ("ip rules", self.network.ip_rules.join(", ")),
            ("virtual networks", self.virtual_network_rules.join(", ")),
        ];
        fields.extend(self.access_policies.iter().map(|policy| ("access policy", policy.text())));
        fields
    }

    /// Formats the fields as text.
    pub(super) fn text(&self) -> String {
        table::fields(&self.fields())
    }
}

impl TableRow for VaultView {
    const HEADINGS: &'static [&'static str] =
        &["NAME", "LOCATION", "SKU", "PERMISSION MODEL", "RETENTION", "RECOVERY LEVEL"];

    fn cells(&self) -> Vec<String> {
        vec![
            last(&self.name),
            self.location.clone(),
            self.sku.clone(),
            self.permission_model().to_owned(),
            format!("{} days", self.retention_days),
            self.recovery_level.clone(),
        ]
    }
}

/// A deleted vault.
#[derive(Serialize)]
pub(super) struct DeletedVaultView {
    name: String,
    deleted_at: Option<Timestamp>,
    scheduled_purge_at: Option<Timestamp>,
    vault: VaultView,
}

impl From<pb::DeletedVault> for DeletedVaultView {
    fn from(deleted: pb::DeletedVault) -> Self {
        Self {
            name: deleted.name,
            deleted_at: time_argument::from_wire(deleted.deleted_at),
            scheduled_purge_at: time_argument::from_wire(deleted.scheduled_purge_at),
            vault: deleted.vault.unwrap_or_default().into(),
        }
    }
}

impl DeletedVaultView {
    /// Formats the fields as text.
    pub(super) fn text(&self) -> String {
        let mut fields = self.vault.fields();
        fields.push(("deleted", time_argument::format(self.deleted_at)));
        fields
            .push(("scheduled purge", time_argument::format_purge(self.deleted_at, self.scheduled_purge_at)));
        table::fields(&fields)
    }
}

impl TableRow for DeletedVaultView {
    const HEADINGS: &'static [&'static str] =
        &["NAME", "LOCATION", "DELETED", "SCHEDULED PURGE", "RECOVERY LEVEL"];

    fn cells(&self) -> Vec<String> {
        vec![
            last(&self.name),
            self.vault.location.clone(),
            time_argument::format(self.deleted_at),
            time_argument::format(self.scheduled_purge_at),
            self.vault.recovery_level.clone(),
        ]
    }
}

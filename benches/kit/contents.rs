//! The contents of a store: an HSM with what contains it, and key versions.

use strongroom::model::Timestamp;
use strongroom::model::change::{Change, ControlChange};
use strongroom::model::due::Notices;
use strongroom::model::hsm::{Activation, ManagedHsm, NetworkRules};
use strongroom::model::key::{Attributes, KeyOperation, KeyVersion, Protection, PublicMaterial, Tags};
use strongroom::model::local_rbac::RoleAssignment;
use strongroom::model::name::{HsmName, KeyName, VersionId};
use strongroom::model::resource::{ResourceGroup, ResourceGroupName, Subscription, SubscriptionId};
use strongroom::model::retention::RetentionDays;
use strongroom::model::setting::Settings;
use uuid::Uuid;

/// The tenant of the HSM.
pub(crate) const TENANT: Uuid = Uuid::from_u128(2);

/// The name of the HSM.
pub(crate) fn hsm_name() -> HsmName {
    match "bench".parse() {
        Ok(name) => name,
        Err(_) => unreachable!("the name is valid"),
    }
}

/// An active HSM whose token has this serial number.
///
/// # Errors
/// None; the names are valid.
pub(crate) fn hsm(token_serial: String, created: Timestamp) -> anyhow::Result<ManagedHsm> {
    let group: ResourceGroupName = "bench".parse()?;
    Ok(ManagedHsm {
        id: Uuid::from_u128(3),
        name: hsm_name(),
        tenant: TENANT,
        subscription: SubscriptionId(Uuid::from_u128(1)),
        resource_group: group,
        location: "localhost".to_owned(),
        sku: "Standard_B1".to_owned(),
        retention: RetentionDays::DEFAULT,
        purge_protection: false,
        activation: Activation::Active,
        initial_administrators: Vec::new(),
        token_serial,
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

/// The changes that create an HSM with role assignments, and what contains it.
pub(crate) fn creation(hsm: ManagedHsm, assignments: Vec<RoleAssignment>) -> Vec<Change> {
    let (id, location, created) = (hsm.subscription, hsm.location.clone(), hsm.created);
    let subscription = Subscription { id, name: "bench".to_owned(), tenant: hsm.tenant, protected: false };
    let name = hsm.resource_group.clone();
    let group = ResourceGroup { subscription: id, name, location, created, tags: Tags::new() };
    vec![
        Change::Control(ControlChange::PutSubscription(subscription)),
        Change::Control(ControlChange::PutResourceGroup(group)),
        Change::InsertHsm(hsm, assignments),
    ]
}

/// An enabled key version that may sign and verify.
pub(crate) fn key_version(
    name: KeyName,
    version: VersionId,
    material: PublicMaterial,
    created: Timestamp,
) -> KeyVersion {
    KeyVersion {
        container: hsm_name().into(),
        name,
        version,
        material,
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

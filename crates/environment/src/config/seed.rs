//! The resources that are created at the first start: HSMs, and role assignments of the control plane.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use crate::model::aes_modes::AesModes;
use crate::model::arm_rbac::ControlScope;
use crate::model::hsm::find_sku;
use crate::model::name::{HsmName, PrincipalId};
use crate::model::resource::{ResourceGroupName, SubscriptionId};
use crate::model::retention::RetentionDays;
use crate::model::wrapped_key::BackupPolicy;

/// A managed HSM, created at start-up unless an HSM of this name has ever existed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HsmSeed {
    /// The name.
    pub name: HsmName,
    /// The token that holds its keys. The simulator ignores this and creates one.
    #[serde(default)]
    pub token: TokenSelector,
    /// The location (Azure region).
    #[serde(default = "location")]
    pub location: String,
    /// The SKU, in its canonical spelling; read in any case.
    #[serde(default = "sku", deserialize_with = "canonical_sku")]
    pub sku: String,
    /// The retention interval, in days.
    #[serde(default = "retention")]
    pub retention_days: RetentionDays,
    /// Whether purge protection is enabled: a deleted HSM cannot be purged before its scheduled purge date.
    #[serde(default)]
    pub purge_protection: bool,
    /// Whether its AES key versions may be used in all modes of operation or in one family of them; if `None`, as set
    /// for the service. Read at every start.
    #[serde(default)]
    pub aes_modes: Option<AesModes>,
    /// Whether its new keys may be wrapped for backups; if `None`, as set for the service. Read at every start.
    #[serde(default)]
    pub backup: Option<BackupPolicy>,
    /// The object ids of the initial administrators. In the simulator, those principals whose roles say so.
    #[serde(default)]
    pub administrators: Vec<PrincipalId>,
    /// The tenant whose principals are accepted. The simulator ignores this and uses its only tenant.
    #[serde(default)]
    pub tenant_id: Uuid,
    /// The subscription of the HSM; if `None`, one with the id of the tenant. Ignored by the simulator.
    #[serde(default)]
    pub subscription_id: Option<SubscriptionId>,
    /// The resource group of the HSM. Ignored by the simulator.
    #[serde(default)]
    pub resource_group: ResourceGroupName,
}

impl HsmSeed {
    /// Returns the subscription of the HSM. By default, it has the id of the tenant, as in Azure CLI for accounts
    /// without subscriptions.
    pub fn subscription(&self) -> SubscriptionId {
        self.subscription_id.unwrap_or(SubscriptionId(self.tenant_id))
    }
}

/// An initial role assignment on the control plane of a gateway.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControlRoleSeed {
    /// The object id of the user, service principal or group.
    pub principal: PrincipalId,
    /// The name of the role.
    pub role: String,
    /// The scope: the Azure resource id of a subscription, a resource group or an HSM.
    pub scope: ControlScope,
}

/// Selects a token by label or by serial number; slot ids are not stable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenSelector {
    /// `CK_TOKEN_INFO.label`, without the padding.
    pub label: Option<String>,
    /// `CK_TOKEN_INFO.serialNumber`, without the padding.
    pub serial: Option<String>,
}

fn location() -> String {
    "localhost".to_owned()
}

fn sku() -> String {
    "Standard_B1".to_owned()
}

fn canonical_sku<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let given = String::deserialize(deserializer)?;
    find_sku(&given).map(str::to_owned).map_err(D::Error::custom)
}

const fn retention() -> RetentionDays {
    RetentionDays::DEFAULT
}

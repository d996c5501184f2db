//! The members `networkAcls` and `publicNetworkAccess`, which managed HSMs and vaults share.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::model::hsm::NetworkChanges;
use crate::model::{Error, Field, Result};

/// `networkAcls` of a request.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct NetworkAcls {
    bypass: Option<String>,
    default_action: Option<String>,
    ip_rules: Option<Vec<IpRule>>,
    virtual_network_rules: Option<Vec<SubnetRule>>,
    pub(super) service_tags: Option<Vec<IgnoredAny>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct IpRule {
    value: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SubnetRule {
    id: Option<String>,
}

impl NetworkAcls {
    /// Whether there are rules for virtual networks.
    pub(super) fn has_virtual_networks(&self) -> bool {
        self.virtual_network_rules.as_ref().is_some_and(|rules| !rules.is_empty())
    }

    /// Returns the ids of the subnets; `None` if there are no rules for virtual networks.
    pub(super) fn subnets(&self) -> Result<Option<Vec<String>>> {
        let missing = || Error::invalid(Field::VirtualNetworkRules, "a rule has no id");
        let id = |rule: &SubnetRule| rule.id.clone().ok_or_else(missing);
        self.virtual_network_rules.as_ref().map(|rules| rules.iter().map(id).collect()).transpose()
    }
}

/// Returns the changes that a request makes. An absent member is not changed.
pub(super) fn network(acls: Option<&NetworkAcls>, public_access: Option<&str>) -> Result<NetworkChanges> {
    let text = |member: fn(&NetworkAcls) -> &Option<String>| acls.and_then(|acls| member(acls).as_deref());
    let missing = || Error::invalid(Field::NetworkIpRules, "a rule has no value");
    let address = |rule: &IpRule| rule.value.clone().ok_or_else(missing);
    let rules = acls.and_then(|acls| acls.ip_rules.as_ref());
    let addresses = rules.map(|rules| rules.iter().map(address).collect());
    Ok(NetworkChanges {
        public_network_access: public_access.map(str::parse).transpose()?,
        default_action: text(|acls| &acls.default_action).map(str::parse).transpose()?,
        bypass: text(|acls| &acls.bypass).map(str::parse).transpose()?,
        ip_rules: addresses.transpose()?,
    })
}

/// `networkAcls` of a response.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NetworkAclsResponse {
    pub(super) bypass: &'static str,
    pub(super) default_action: &'static str,
    pub(super) ip_rules: Vec<IpRuleResponse>,
    pub(super) virtual_network_rules: Vec<SubnetRuleResponse>,
}

/// An allowed address or range.
#[derive(Serialize)]
pub(super) struct IpRuleResponse {
    pub(super) value: String,
}

/// An allowed subnet.
#[derive(Serialize)]
pub(super) struct SubnetRuleResponse {
    pub(super) id: String,
}

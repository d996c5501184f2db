//! What the commands for managed HSMs and for vaults have in common: arguments and printed forms.

use clap::Args;
use serde::Serialize;

use super::failure::{Failure, Outcome};
use super::session::Session;
use crate::api::grpc::pb;
use crate::model::resource::ResourceGroupName;

/// Selects resources.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// List only this resource group
    #[arg(long, value_name = "NAME")]
    pub(super) resource_group: Option<ResourceGroupName>,
}

/// The name to check.
#[derive(Args, Clone, Debug)]
pub struct CheckArgs {
    /// Name to check
    pub(super) name: String,
}

/// Changes to network rules. Other rules keep their values.
#[derive(Args, Clone, Debug)]
pub(super) struct NetworkArgs {
    /// Allow or deny access over the public network; stored, not enforced
    #[arg(long, value_parser = ["Enabled", "Disabled"], ignore_case = true)]
    public_network_access: Option<String>,
    /// Public IPv4 address or range to allow (repeatable); stored, not enforced
    #[arg(long = "ip-rule", value_name = "CIDR")]
    ip_rules: Vec<String>,
}

impl NetworkArgs {
    /// Whether there are changes.
    pub(super) fn is_given(&self) -> bool {
        self.public_network_access.is_some() || !self.ip_rules.is_empty()
    }

    /// Returns the rules with the changes.
    pub(super) fn applied_to(self, rules: Option<pb::NetworkRules>) -> pb::NetworkRules {
        let mut rules = rules.unwrap_or_default();
        rules.public_network_access = self.public_network_access.or(rules.public_network_access);
        if !self.ip_rules.is_empty() {
            rules.ip_rules = self.ip_rules;
        }
        rules
    }
}

/// Returns the resource name of the given resource group, or of the default one.
pub(super) fn group(session: &Session, named: Option<&ResourceGroupName>) -> Outcome<String> {
    let missing = || Failure::problem("no resource group is set").hint("set it with --resource-group");
    let default = session.connection.as_ref().map(|connection| connection.resource_group.clone());
    let group = named.cloned().or(default).ok_or_else(missing)?;
    Ok(format!("subscriptions/{}/resourceGroups/{group}", session.subscription()?))
}

/// Returns the last segment of a resource name.
pub(super) fn last(name: &str) -> String {
    name.rsplit('/').next().unwrap_or_default().to_owned()
}

/// Network rules.
#[derive(Serialize)]
pub(super) struct NetworkView {
    pub(super) public_network_access: String,
    default_action: String,
    bypass: String,
    pub(super) ip_rules: Vec<String>,
}

impl From<pb::NetworkRules> for NetworkView {
    fn from(network: pb::NetworkRules) -> Self {
        Self {
            public_network_access: network.public_network_access.unwrap_or_default(),
            default_action: network.default_action.unwrap_or_default(),
            bypass: network.bypass.unwrap_or_default(),
            ip_rules: network.ip_rules,
        }
    }
}

/// The result of a purge.
#[derive(Serialize)]
pub(super) struct Purged {
    pub(super) name: String,
    pub(super) purged: bool,
}

/// The result of a name check.
#[derive(Serialize)]
pub(super) struct Availability {
    name: String,
    available: bool,
    reason: Option<String>,
    message: Option<String>,
}

impl Availability {
    /// Converts the server's reply.
    pub(super) fn new(name: String, available: bool, reason: String, message: String) -> Self {
        let non_empty = |text: String| Some(text).filter(|text| !text.is_empty());
        Self { name, available, reason: non_empty(reason), message: non_empty(message) }
    }

    /// Formats the fields as text.
    pub(super) fn text(&self) -> String {
        match &self.message {
            None => format!("{} is available", self.name),
            Some(why) => format!("{} is not available: {why}", self.name),
        }
    }
}

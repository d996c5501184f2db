//! ARM RBAC: actions and scopes of role-based access control on the control plane. Role definitions, role
//! assignments and scopes are separate from local RBAC.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::container_id::ContainerId;
use super::field::{Field, InvalidValue};
use super::local_rbac::DataAction;
use super::name::{HsmName, ObjectName, VaultName};
use super::resource::{ResourceGroup, ResourceGroupName, SubscriptionId};
use super::role::{Assignment, GrantableAction, HierarchicalScope, Permission, RoleGrant, actions};
use super::vault_object::{ObjectKind, ObjectScope};
use super::vault_rbac::VaultAction;

/// A control-plane role assignment.
pub type ControlAssignment = Assignment<ControlScope>;
/// A control-plane role assignment joined with its role definition.
pub type ControlGrant = RoleGrant<ControlAction>;

actions! {
    /// A control-plane action that a role must grant for an operation.
    ///
    /// Source: Azure's list of resource provider operations.
    ControlAction under "Microsoft." {
        AuditLogRead = "Insights/logs/AZKVAuditLogs/read",
        BudgetDelete = "Consumption/budgets/delete",
        BudgetRead = "Consumption/budgets/read",
        BudgetWrite = "Consumption/budgets/write",
        ContainerNameRead = "KeyVault/checkNameAvailability/read",
        CostForecastRead = "CostManagement/forecast/read",
        CostQueryRead = "CostManagement/query/read",
        DeletedHsmList = "KeyVault/deletedManagedHsms/read",
        DeletedHsmPurge = "KeyVault/locations/deletedManagedHsms/purge/action",
        DeletedHsmRead = "KeyVault/locations/deletedManagedHsms/read",
        DeletedVaultList = "KeyVault/deletedVaults/read",
        DeletedVaultPurge = "KeyVault/locations/deletedVaults/purge/action",
        DeletedVaultRead = "KeyVault/locations/deletedVaults/read",
        HsmDelete = "KeyVault/managedHSMs/delete",
        HsmOperationRead = "KeyVault/locations/managedHsmOperationResults/read",
        HsmRead = "KeyVault/managedHSMs/read",
        HsmWrite = "KeyVault/managedHSMs/write",
        LocationRead = "Resources/subscriptions/locations/read",
        ResourceGroupDelete = "Resources/subscriptions/resourceGroups/delete",
        ResourceGroupRead = "Resources/subscriptions/resourceGroups/read",
        ResourceGroupWrite = "Resources/subscriptions/resourceGroups/write",
        RoleAssignmentDelete = "Authorization/roleAssignments/delete",
        RoleAssignmentRead = "Authorization/roleAssignments/read",
        RoleAssignmentWrite = "Authorization/roleAssignments/write",
        RoleDefinitionDelete = "Authorization/roleDefinitions/delete",
        RoleDefinitionRead = "Authorization/roleDefinitions/read",
        RoleDefinitionWrite = "Authorization/roleDefinitions/write",
        SubscriptionRead = "Resources/subscriptions/read",
        // assumption: no published action marks a subscription as protected; this one is named like the others.
        SubscriptionWrite = "Resources/subscriptions/write",
        TokenStateRead = "Insights/metrics/read",
        UsageRead = "Consumption/usageDetails/read",
        VaultAccessPoliciesWrite = "KeyVault/vaults/accessPolicies/write",
        VaultDelete = "KeyVault/vaults/delete",
        VaultKeyRead = "KeyVault/vaults/keys/read",
        VaultKeyWrite = "KeyVault/vaults/keys/write",
        VaultOperationRead = "KeyVault/locations/operationResults/read",
        VaultRead = "KeyVault/vaults/read",
        VaultSecretRead = "KeyVault/vaults/secrets/read",
        VaultSecretWrite = "KeyVault/vaults/secrets/write",
        VaultWrite = "KeyVault/vaults/write",
    }
}

impl ControlAction {
    /// Returns `None`: no local role grants a control-plane action.
    pub const fn data_action(self) -> Option<DataAction> {
        None
    }

    /// Returns this action, which a control-plane role must grant.
    pub const fn control_action(self) -> Option<Self> {
        Some(self)
    }

    /// Returns `None`: the actions of a role grant no data action on a vault.
    pub const fn vault_action(self) -> Option<VaultAction> {
        None
    }
}

impl GrantableAction for ControlAction {
    type Scope = ControlScope;
    const ALL: &'static [Self] = Self::ALL;

    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }

    fn bit_index(self) -> u32 {
        self as u32
    }

    fn action_lists(block: &Permission) -> (&[String], &[String]) {
        (&block.actions, &block.not_actions)
    }
}

impl FromStr for ControlAction {
    type Err = InvalidValue;

    /// Parses an action by its full name, ignoring case.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Self::ALL.iter().copied().find(|action| action.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| {
            let text = super::field::shorten(text);
            InvalidValue::new(Field::Action, format!("{text:?} is not an action of the control plane"))
        })
    }
}

/// A scope of ARM RBAC: a subscription, a resource group, a managed HSM or a vault as a resource, or an object of a vault.
/// Formatted as an Azure Resource Manager id.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ControlScope {
    /// `/subscriptions/{id}`
    Subscription(SubscriptionId),
    /// `/subscriptions/{id}/resourceGroups/{name}`
    ResourceGroup(SubscriptionId, ResourceGroupName),
    /// `/subscriptions/{id}/resourceGroups/{name}/providers/Microsoft.KeyVault/managedHSMs/{name}`
    ManagedHsm(SubscriptionId, ResourceGroupName, HsmName),
    /// `/subscriptions/{id}/resourceGroups/{name}/providers/Microsoft.KeyVault/vaults/{name}`
    Vault(SubscriptionId, ResourceGroupName, VaultName),
    /// `/subscriptions/{id}/resourceGroups/{name}/providers/Microsoft.KeyVault/vaults/{name}/secrets/{name}`, or `keys`, or
    /// `certificates`: one object with all versions.
    VaultObject(SubscriptionId, ResourceGroupName, VaultName, ObjectKind, ObjectName),
}

impl ControlScope {
    /// Returns the subscription of the scope.
    pub const fn subscription(&self) -> SubscriptionId {
        match self {
            Self::Subscription(subscription)
            | Self::ResourceGroup(subscription, _)
            | Self::ManagedHsm(subscription, _, _)
            | Self::Vault(subscription, _, _)
            | Self::VaultObject(subscription, _, _, _, _) => *subscription,
        }
    }

    /// Returns the resource group of the scope; `None` for a subscription.
    pub const fn resource_group(&self) -> Option<&ResourceGroupName> {
        match self {
            Self::Subscription(_) => None,
            Self::ResourceGroup(_, group)
            | Self::ManagedHsm(_, group, _)
            | Self::Vault(_, group, _)
            | Self::VaultObject(_, group, _, _, _) => Some(group),
        }
    }

    /// Returns the HSM; `None` for other scopes.
    pub const fn hsm(&self) -> Option<&HsmName> {
        match self {
            Self::ManagedHsm(_, _, hsm) => Some(hsm),
            Self::Subscription(_) | Self::ResourceGroup(..) | Self::Vault(..) | Self::VaultObject(..) => None,
        }
    }

    /// Returns the managed HSM or vault; `None` for a subscription or resource group.
    pub fn container(&self) -> Option<ContainerId> {
        match self {
            Self::ManagedHsm(_, _, hsm) => Some(hsm.into()),
            Self::Vault(_, _, vault) | Self::VaultObject(_, _, vault, _, _) => Some(vault.into()),
            Self::Subscription(_) | Self::ResourceGroup(..) => None,
        }
    }

    /// Returns the object of a vault; `None` for other scopes.
    pub const fn object(&self) -> Option<(ObjectKind, &ObjectName)> {
        match self {
            Self::VaultObject(_, _, _, kind, name) => Some((*kind, name)),
            Self::Subscription(_) | Self::ResourceGroup(..) | Self::ManagedHsm(..) | Self::Vault(..) => None,
        }
    }

    /// Returns the scope of the managed HSM or vault in which an object is; other scopes unchanged.
    #[must_use]
    pub fn without_object(&self) -> Self {
        match self {
            Self::VaultObject(subscription, group, vault, _, _) => {
                Self::Vault(*subscription, group.clone(), vault.clone())
            }
            Self::Subscription(_) | Self::ResourceGroup(..) | Self::ManagedHsm(..) | Self::Vault(..) => {
                self.clone()
            }
        }
    }
}

impl ControlScope {
    /// Parses the scope of a resource of a type, `managedHSMs` or `vaults`; `None` if the type is another.
    fn of_container(
        subscription: SubscriptionId,
        group: &str,
        (kind, name): (&str, &str),
    ) -> Option<Result<Self, InvalidValue>> {
        if kind.eq_ignore_ascii_case("managedHSMs") {
            Some(group.parse().and_then(|group| Ok(Self::ManagedHsm(subscription, group, name.parse()?))))
        } else if kind.eq_ignore_ascii_case("vaults") {
            Some(group.parse().and_then(|group| Ok(Self::Vault(subscription, group, name.parse()?))))
        } else {
            None
        }
    }
}

impl ControlScope {
    /// Returns the scope inside a vault with this path below the scope of the vault, which may be empty; `None` if it is the
    /// path of no object, or this is the scope of no vault.
    fn within(self, object: &[&str]) -> Option<Self> {
        match (self, object) {
            (scope, []) => Some(scope),
            (Self::Vault(subscription, group, vault), [collection, name]) => {
                let kind = ObjectKind::of_collection(collection)?;
                Some(Self::VaultObject(subscription, group, vault, kind, name.parse().ok()?))
            }
            _ => None,
        }
    }

    /// Returns the scope of a vault or of an object in it. Unchanged if this is the scope of no vault.
    #[must_use]
    pub fn at(self, scope: &ObjectScope) -> Self {
        match (self, scope) {
            (Self::Vault(subscription, group, vault), ObjectScope::Object(kind, name)) => {
                Self::VaultObject(subscription, group, vault, *kind, name.clone())
            }
            (scope, _) => scope,
        }
    }
}

impl ResourceGroup {
    /// Returns its scope in ARM RBAC.
    pub fn scope(&self) -> ControlScope {
        ControlScope::ResourceGroup(self.subscription, self.name.clone())
    }
}

impl HierarchicalScope for ControlScope {
    fn covers(&self, other: &Self) -> bool {
        let group = |here: &ResourceGroupName| {
            other
                .resource_group()
                .is_some_and(|there| here.to_case_insensitive() == there.to_case_insensitive())
        };
        let container = |here: ContainerId| {
            other.container().is_some_and(|there| here.to_case_insensitive() == there.to_case_insensitive())
        };
        let object = |(kind, here): (ObjectKind, &ObjectName)| {
            other.object().is_some_and(|(other_kind, there)| {
                kind == other_kind && here.as_str().eq_ignore_ascii_case(there.as_str())
            })
        };
        self.subscription() == other.subscription()
            && self.resource_group().is_none_or(group)
            && self.container().is_none_or(container)
            && self.object().is_none_or(object)
    }
}

impl FromStr for ControlScope {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let wrong = || {
            InvalidValue::new(
                Field::Scope,
                "a scope is /subscriptions/{id}, /subscriptions/{id}/resourceGroups/{name}, or that of a resource: \
                 /subscriptions/{id}/resourceGroups/{name}/providers/Microsoft.KeyVault/managedHSMs/{name}, .../vaults/{name}, or \
                 that of an object of a vault: .../vaults/{name}/secrets/{name}, keys or certificates",
            )
        };
        let mut segments = text.strip_suffix('/').unwrap_or(text).split('/');
        let mut take = || segments.next().unwrap_or_default();
        let mut fixed = |wanted: &[&str]| wanted.iter().all(|segment| take().eq_ignore_ascii_case(segment));
        if !fixed(&["", "subscriptions"]) {
            return Err(wrong());
        }
        let subscription = segments.next().unwrap_or_default().parse().map_err(|_| wrong())?;
        let rest: Vec<&str> = segments.collect();
        let is =
            |at: usize, segment: &str| rest.get(at).is_some_and(|given| given.eq_ignore_ascii_case(segment));
        match *rest.as_slice() {
            [] => Ok(Self::Subscription(subscription)),
            [_, group] if is(0, "resourceGroups") => Ok(Self::ResourceGroup(subscription, group.parse()?)),
            [_, group, _, _, kind, name, ref object @ ..]
                if is(0, "resourceGroups") && is(2, "providers") && is(3, "Microsoft.KeyVault") =>
            {
                Self::of_container(subscription, group, (kind, name))
                    .ok_or_else(wrong)??
                    .within(object)
                    .ok_or_else(wrong)
            }
            // The resource name, as used in gRPC requests.
            [_, group, kind, name, ref object @ ..] if is(0, "resourceGroups") => {
                Self::of_container(subscription, group, (kind, name))
                    .ok_or_else(wrong)??
                    .within(object)
                    .ok_or_else(wrong)
            }
            _ => Err(wrong()),
        }
    }
}

impl TryFrom<String> for ControlScope {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl From<ControlScope> for String {
    fn from(scope: ControlScope) -> Self {
        scope.to_string()
    }
}

impl fmt::Display for ControlScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/subscriptions/{}", self.subscription())?;
        if let Some(group) = self.resource_group() {
            write!(f, "/resourceGroups/{group}")?;
        }
        match self {
            Self::Subscription(_) | Self::ResourceGroup(..) => Ok(()),
            Self::ManagedHsm(_, _, hsm) => write!(f, "/providers/Microsoft.KeyVault/managedHSMs/{hsm}"),
            Self::Vault(_, _, vault) => write!(f, "/providers/Microsoft.KeyVault/vaults/{vault}"),
            Self::VaultObject(_, _, vault, kind, name) => {
                let collection = kind.collection();
                write!(f, "/providers/Microsoft.KeyVault/vaults/{vault}/{collection}/{name}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBSCRIPTION: &str = "/subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb5";

    fn scope(tail: &str) -> ControlScope {
        format!("{SUBSCRIPTION}{tail}").parse().unwrap()
    }

    #[test]
    fn scopes_parse_in_any_case_and_format_as_azure() {
        for tail in [
            "",
            "/resourceGroups/Dev",
            "/resourceGroups/Dev/providers/Microsoft.KeyVault/managedHSMs/Local",
            "/resourceGroups/Dev/providers/Microsoft.KeyVault/vaults/Local",
            "/resourceGroups/Dev/providers/Microsoft.KeyVault/vaults/Local/secrets/Database",
            "/resourceGroups/Dev/providers/Microsoft.KeyVault/vaults/Local/keys/a",
            "/resourceGroups/Dev/providers/Microsoft.KeyVault/vaults/Local/certificates/a",
        ] {
            let read = scope(tail);
            assert_eq!(read.to_string(), format!("{SUBSCRIPTION}{tail}"));
            let upper: ControlScope = read.to_string().to_uppercase().parse().unwrap();
            assert!(upper.is_same_as(&read), "{upper} is {read}");
            assert_eq!(format!("{read}/").parse::<ControlScope>().unwrap(), read);
        }
        for bad in [
            "",
            "/",
            "/subscriptions",
            "/subscriptions/",
            "/subscriptions/x",
            "subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb5",
            "/subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb5/resourceGroups",
            "/subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb5/resourceGroups/a.",
            "/subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb5/groups/a",
            "/subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb5/resourceGroups/a/providers/Microsoft.KeyVault/vaults/abc/secrets",
            "/subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb5/resourceGroups/a/providers/Microsoft.KeyVault/vaults/abc/storage/a",
            "/subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb5/resourceGroups/a/providers/Microsoft.KeyVault/vaults/abc/secrets/a_b",
            "/subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb5/resourceGroups/a/providers/Microsoft.KeyVault/vaults/abc/secrets/a/b",
            "/subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb5/resourceGroups/a/providers/Microsoft.KeyVault/managedHSMs/abc/keys/a",
            "/subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb5/resourceGroups/a/providers/Microsoft.KeyVault/managedHSMs/abc/keys",
        ] {
            assert!(bad.parse::<ControlScope>().is_err(), "{bad}");
        }
    }

    #[test]
    fn parses_hsm_resource_names() {
        let long = scope("/resourceGroups/dev/providers/Microsoft.KeyVault/managedHSMs/local");
        assert_eq!(scope("/resourceGroups/dev/managedHsms/local"), long);
    }

    #[test]
    fn scope_covers_itself_and_its_descendants() {
        let (subscription, group) = (scope(""), scope("/resourceGroups/dev"));
        let hsm = scope("/resourceGroups/DEV/providers/Microsoft.KeyVault/managedHSMs/local");
        let other = scope("/resourceGroups/other");
        let foreign = "/subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb6".parse::<ControlScope>().unwrap();
        assert!(subscription.covers(&group) && subscription.covers(&hsm) && group.covers(&hsm));
        let vault = scope("/resourceGroups/DEV/providers/Microsoft.KeyVault/vaults/local");
        let object = |tail: &str| scope(&format!("/resourceGroups/dev/vaults/LOCAL/{tail}"));
        let secret = object("secrets/a");
        assert!(subscription.covers(&secret) && group.covers(&secret) && vault.covers(&secret));
        assert!(secret.is_same_as(&object("Secrets/A")) && secret.without_object().is_same_as(&vault));
        assert!(
            !secret.covers(&vault)
                && !secret.covers(&object("keys/a"))
                && !secret.covers(&object("secrets/ab"))
        );
        assert!(!hsm.covers(&secret) && !scope("/resourceGroups/dev/vaults/local2").covers(&secret));
        assert!(!group.covers(&subscription) && !hsm.covers(&group) && !other.covers(&hsm));
        assert!(!foreign.covers(&subscription) && !foreign.covers(&hsm) && !subscription.covers(&foreign));
    }

    #[test]
    fn actions_parse_in_any_case() {
        for action in ControlAction::ALL {
            assert_eq!(action.as_str().to_lowercase().parse::<ControlAction>().unwrap(), *action);
        }
        assert!("managedHSMs/read".parse::<ControlAction>().is_err());
    }
}

//! What a path and a verb ask for. Names in it are not looked at yet: nobody knows who is asking.

use http::Method;

use super::super::azure::path::Segments;
use super::super::azure::unbuilt::{self, Unbuilt};
use super::wire::cloud;

/// What a request asks for, with the names in its path as they were written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Route<'a> {
    /// Needs no credential.
    CloudMetadata,
    ListSubscriptions,
    ListTenants,
    ListProviderOperations,
    GetSubscription(&'a str),
    ListLocations(&'a str),
    ListProviders(&'a str),
    GetProvider(&'a str, &'a str),
    ListResources(&'a str, Option<&'a str>),
    /// Key Vault's vaults, of which there are none.
    ListVaults(&'a str, Option<&'a str>),
    ListGroups(&'a str),
    GetGroup(GroupOf<'a>),
    HasGroup(GroupOf<'a>),
    PutGroup(GroupOf<'a>),
    UpdateGroup(GroupOf<'a>),
    DeleteGroup(GroupOf<'a>),
    /// The outcome of the deletion of a group.
    GroupOutcome(&'a str, &'a str),
    ListHsms(&'a str, Option<&'a str>),
    GetHsm(HsmOf<'a>),
    PutHsm(HsmOf<'a>),
    UpdateHsm(HsmOf<'a>),
    DeleteHsm(HsmOf<'a>),
    ListRegions(HsmOf<'a>),
    /// Private endpoints and links of an HSM, of which there are none.
    ListPrivate(HsmOf<'a>),
    CheckName(&'a str),
    ListDeletedHsms(&'a str),
    GetDeletedHsm(DeletedOf<'a>),
    PurgeDeletedHsm(DeletedOf<'a>),
    /// What became of the HSM with this id.
    OperationResult(&'a str, &'a str),
    /// At a scope: its part of the path.
    ListRoleDefinitions(&'a str),
    GetRoleDefinition(&'a str, &'a str),
    ListRoleAssignments(&'a str),
    GetRoleAssignment(&'a str, &'a str),
    PutRoleAssignment(&'a str, &'a str),
    DeleteRoleAssignment(&'a str, &'a str),
    /// A route of Azure's that is not built.
    NotYet(Unbuilt<'a>),
    /// Nothing that is here.
    Unknown,
}

/// A resource group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct GroupOf<'a> {
    pub(super) subscription: &'a str,
    pub(super) group: &'a str,
}

/// A managed HSM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct HsmOf<'a> {
    pub(super) subscription: &'a str,
    pub(super) group: &'a str,
    pub(super) name: &'a str,
}

/// A deleted managed HSM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct DeletedOf<'a> {
    pub(super) subscription: &'a str,
    pub(super) location: &'a str,
    pub(super) name: &'a str,
}

impl<'a> Route<'a> {
    /// Reads a verb and a path.
    pub(super) fn of(method: &Method, path: &'a str) -> Self {
        let Some(segments) = Segments::of(path) else { return Self::Unknown };
        let (given, words) = (&segments.given, segments.words());
        match Self::built(method, path, given, &words) {
            Self::Unknown => {
                unbuilt::of_resource_manager(method, given, &words).map_or(Self::Unknown, Self::NotYet)
            }
            route => route,
        }
    }

    fn built(method: &Method, path: &'a str, given: &[&'a str], words: &[&str]) -> Self {
        // What is below it belongs to the scope before it.
        let roles = words.windows(2).rposition(|pair| pair == ["providers", "microsoft.authorization"]);
        if let Some(place) = roles {
            let scope = scope_of(path, place);
            return Self::of_roles(method, scope, &given[place + 2..], &words[place + 2..]);
        }
        match (method.as_str(), words) {
            ("GET", ["metadata", "endpoints"]) => Self::CloudMetadata,
            ("GET", ["subscriptions"]) => Self::ListSubscriptions,
            ("GET", ["tenants"]) => Self::ListTenants,
            ("GET", ["providers", "microsoft.keyvault", "operations"]) => Self::ListProviderOperations,
            (_, ["subscriptions", _, "resourcegroups", _, "providers", "microsoft.keyvault", ..]) => {
                let group = GroupOf { subscription: given[1], group: given[3] };
                Self::of_key_vault_in(method, group, &given[6..], &words[6..])
            }
            (_, ["subscriptions", _, "providers", "microsoft.keyvault", _, ..]) => {
                Self::of_key_vault(method, given[1], &given[4..], &words[4..])
            }
            (_, ["subscriptions", _, ..]) => {
                Self::of_subscription(method, given[1], &given[2..], &words[2..])
            }
            _ => Self::Unknown,
        }
    }

    fn of_subscription(method: &Method, subscription: &'a str, given: &[&'a str], words: &[&str]) -> Self {
        let group = || GroupOf { subscription, group: given[1] };
        match (method.as_str(), words) {
            ("GET", []) => Self::GetSubscription(subscription),
            ("GET", ["locations"]) => Self::ListLocations(subscription),
            ("GET", ["providers"]) => Self::ListProviders(subscription),
            ("GET", ["providers", _]) | ("POST", ["providers", _, "register"])
                if cloud::has_provider(given[1]) =>
            {
                Self::GetProvider(subscription, given[1])
            }
            ("GET", ["resources"]) => Self::ListResources(subscription, None),
            ("GET", ["resourcegroups"]) => Self::ListGroups(subscription),
            ("GET", ["resourcegroups", _]) => Self::GetGroup(group()),
            ("HEAD", ["resourcegroups", _]) => Self::HasGroup(group()),
            ("PUT", ["resourcegroups", _]) => Self::PutGroup(group()),
            ("PATCH", ["resourcegroups", _]) => Self::UpdateGroup(group()),
            ("DELETE", ["resourcegroups", _]) => Self::DeleteGroup(group()),
            ("GET", ["operationresults", _]) => Self::GroupOutcome(subscription, given[1]),
            ("GET", ["resourcegroups", _, "resources"]) => Self::ListResources(subscription, Some(given[1])),
            _ => Self::Unknown,
        }
    }

    /// What Key Vault has in a subscription, outside resource groups.
    fn of_key_vault(method: &Method, subscription: &'a str, given: &[&'a str], words: &[&str]) -> Self {
        let deleted = || DeletedOf { subscription, location: given[1], name: given[3] };
        match (method.as_str(), words) {
            ("GET", ["managedhsms"]) => Self::ListHsms(subscription, None),
            ("GET", ["deletedmanagedhsms"]) => Self::ListDeletedHsms(subscription),
            ("GET", ["vaults" | "deletedvaults"]) => Self::ListVaults(subscription, None),
            ("POST", ["register"]) => Self::GetProvider(subscription, cloud::KEY_VAULT),
            ("POST", ["checkmhsmnameavailability"]) => Self::CheckName(subscription),
            ("GET", ["locations", _, "deletedmanagedhsms", _]) => Self::GetDeletedHsm(deleted()),
            ("POST", ["locations", _, "deletedmanagedhsms", _, "purge"]) => Self::PurgeDeletedHsm(deleted()),
            ("GET", ["locations", _, "managedhsmoperationresults", _]) => {
                Self::OperationResult(subscription, given[3])
            }
            _ => Self::Unknown,
        }
    }

    /// What Key Vault has in a resource group.
    fn of_key_vault_in(method: &Method, group: GroupOf<'a>, given: &[&'a str], words: &[&str]) -> Self {
        let GroupOf { subscription, group } = group;
        let hsm = || HsmOf { subscription, group, name: given[1] };
        match (method.as_str(), words) {
            ("GET", ["managedhsms"]) => Self::ListHsms(subscription, Some(group)),
            ("GET", ["managedhsms", _]) => Self::GetHsm(hsm()),
            ("PUT", ["managedhsms", _]) => Self::PutHsm(hsm()),
            ("PATCH", ["managedhsms", _]) => Self::UpdateHsm(hsm()),
            ("DELETE", ["managedhsms", _]) => Self::DeleteHsm(hsm()),
            ("GET", ["managedhsms", _, "regions"]) => Self::ListRegions(hsm()),
            ("GET", ["managedhsms", _, "privateendpointconnections" | "privatelinkresources"]) => {
                Self::ListPrivate(hsm())
            }
            ("GET", ["vaults"]) => Self::ListVaults(subscription, Some(group)),
            _ => Self::Unknown,
        }
    }

    fn of_roles(method: &Method, scope: &'a str, given: &[&'a str], words: &[&str]) -> Self {
        match (method.as_str(), words) {
            ("GET", ["roledefinitions"]) => Self::ListRoleDefinitions(scope),
            ("GET", ["roledefinitions", _]) => Self::GetRoleDefinition(scope, given[1]),
            ("GET", ["roleassignments"]) => Self::ListRoleAssignments(scope),
            ("GET", ["roleassignments", _]) => Self::GetRoleAssignment(scope, given[1]),
            ("PUT", ["roleassignments", _]) => Self::PutRoleAssignment(scope, given[1]),
            ("DELETE", ["roleassignments", _]) => Self::DeleteRoleAssignment(scope, given[1]),
            _ => Self::Unknown,
        }
    }
}

/// The part of a path before its segment number `place`, without a slash at its end.
fn scope_of(path: &str, place: usize) -> &str {
    let mut seen = 0;
    let mut before = '/';
    for (at, letter) in path.char_indices() {
        if before == '/' && letter != '/' {
            if seen == place {
                return path[..at].trim_end_matches('/');
            }
            seen += 1;
        }
        before = letter;
    }
    path
}

#[cfg(test)]
mod tests;

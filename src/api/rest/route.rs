//! Routes of the data plane, by method and path. Names in the path are not validated: the caller is not yet authenticated.

use http::Method;

use super::super::azure::path::Segments;
use super::super::azure::unsupported::{self, UnsupportedFeature};

/// The route of a request, with the names in its path as the client wrote them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Route<'a> {
    ListKeys,
    CreateKey(&'a str),
    ImportKey(&'a str),
    GetKey(KeyVersionRef<'a>),
    UpdateKey(KeyVersionRef<'a>),
    DeleteKey(&'a str),
    ListVersions(&'a str),
    RotateKey(&'a str),
    GetRotationPolicy(&'a str),
    PutRotationPolicy(&'a str),
    ListDeletedKeys,
    GetDeletedKey(&'a str),
    RecoverDeletedKey(&'a str),
    PurgeDeletedKey(&'a str),
    Sign(KeyVersionRef<'a>),
    Verify(KeyVersionRef<'a>),
    Encrypt(KeyVersionRef<'a>),
    Decrypt(KeyVersionRef<'a>),
    WrapKey(KeyVersionRef<'a>),
    UnwrapKey(KeyVersionRef<'a>),
    RandomBytes,
    ListRoleDefinitions,
    GetRoleDefinition(RouteScope<'a>, &'a str),
    PutRoleDefinition(RouteScope<'a>, &'a str),
    DeleteRoleDefinition(RouteScope<'a>, &'a str),
    ListRoleAssignments(RouteScope<'a>),
    GetRoleAssignment(RouteScope<'a>, &'a str),
    CreateRoleAssignment(RouteScope<'a>, &'a str),
    DeleteRoleAssignment(RouteScope<'a>, &'a str),
    ListSettings,
    GetSetting(&'a str),
    UpdateSetting(&'a str),
    /// Role definitions or assignments at an invalid scope.
    MalformedScope,
    /// A route of Azure that is not implemented.
    Unsupported(UnsupportedFeature<'a>),
    /// A route that the service does not have.
    Unknown,
}

/// A key version, or the current version of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct KeyVersionRef<'a> {
    pub(super) key: &'a str,
    pub(super) version: Option<&'a str>,
}

/// The scope of a role definition or assignment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RouteScope<'a> {
    Hsm,
    Keys,
    Key(&'a str),
}

impl<'a> Route<'a> {
    /// Parses a method and a path.
    pub(super) fn of(method: &Method, path: &'a str) -> Self {
        let Some(segments) = Segments::of(path) else { return Self::Unknown };
        let (given, lowercase) = (&segments.given, segments.lowercase());
        let provider = lowercase.windows(2).position(|pair| pair == ["providers", "microsoft.authorization"]);
        if let Some(index) = provider {
            return Self::of_roles(
                method,
                (&given[..index], &lowercase[..index]),
                (&given[index + 2..], &lowercase[index + 2..]),
            );
        }
        // Checked first: a key may have any name.
        match unsupported::data_plane_feature(method, &lowercase) {
            Some(feature) => Self::Unsupported(feature),
            None => Self::of_keys(method, given, &lowercase),
        }
    }

    fn of_keys(method: &Method, given: &[&'a str], lowercase: &[&str]) -> Self {
        let current = |index: usize| KeyVersionRef { key: given[index], version: None };
        let version = || KeyVersionRef { key: given[1], version: Some(given[2]) };
        match (method.as_str(), lowercase) {
            ("GET", ["keys"]) => Self::ListKeys,
            ("GET", ["keys", _]) => Self::GetKey(current(1)),
            ("PUT", ["keys", _]) => Self::ImportKey(given[1]),
            ("PATCH", ["keys", _]) => Self::UpdateKey(current(1)),
            ("DELETE", ["keys", _]) => Self::DeleteKey(given[1]),
            ("POST", ["keys", _, "create"]) => Self::CreateKey(given[1]),
            ("GET", ["keys", _, "versions"]) => Self::ListVersions(given[1]),
            ("POST", ["keys", _, "rotate"]) => Self::RotateKey(given[1]),
            ("GET", ["keys", _, "rotationpolicy"]) => Self::GetRotationPolicy(given[1]),
            ("PUT", ["keys", _, "rotationpolicy"]) => Self::PutRotationPolicy(given[1]),
            ("POST", ["keys", _, verb]) => Self::of_use(verb, current(1)),
            ("POST", ["keys", _, _, verb]) => Self::of_use(verb, version()),
            ("GET", ["keys", _, _]) => Self::GetKey(version()),
            ("PATCH", ["keys", _, _]) => Self::UpdateKey(version()),
            ("GET", ["deletedkeys"]) => Self::ListDeletedKeys,
            ("GET", ["deletedkeys", _]) => Self::GetDeletedKey(given[1]),
            ("DELETE", ["deletedkeys", _]) => Self::PurgeDeletedKey(given[1]),
            ("POST", ["deletedkeys", _, "recover"]) => Self::RecoverDeletedKey(given[1]),
            ("POST", ["rng"]) => Self::RandomBytes,
            ("GET", ["settings"]) => Self::ListSettings,
            ("GET", ["settings", _]) => Self::GetSetting(given[1]),
            ("PATCH", ["settings", _]) => Self::UpdateSetting(given[1]),
            _ => Self::Unknown,
        }
    }

    fn of_use(verb: &str, version: KeyVersionRef<'a>) -> Self {
        match verb {
            "sign" => Self::Sign(version),
            "verify" => Self::Verify(version),
            "encrypt" => Self::Encrypt(version),
            "decrypt" => Self::Decrypt(version),
            "wrapkey" => Self::WrapKey(version),
            "unwrapkey" => Self::UnwrapKey(version),
            _ => Self::Unknown,
        }
    }

    fn of_roles(method: &Method, scope: (&[&'a str], &[&str]), rest: (&[&'a str], &[&str])) -> Self {
        let at = match scope {
            (_, []) => RouteScope::Hsm,
            (_, ["keys"]) => RouteScope::Keys,
            (given, ["keys", _]) => RouteScope::Key(given[1]),
            _ => return Self::MalformedScope,
        };
        let (given, lowercase) = rest;
        match (method.as_str(), lowercase) {
            ("GET", ["roledefinitions"]) => Self::ListRoleDefinitions,
            ("GET", ["roledefinitions", _]) => Self::GetRoleDefinition(at, given[1]),
            ("PUT", ["roledefinitions", _]) => Self::PutRoleDefinition(at, given[1]),
            ("DELETE", ["roledefinitions", _]) => Self::DeleteRoleDefinition(at, given[1]),
            ("GET", ["roleassignments"]) => Self::ListRoleAssignments(at),
            ("GET", ["roleassignments", _]) => Self::GetRoleAssignment(at, given[1]),
            ("PUT", ["roleassignments", _]) => Self::CreateRoleAssignment(at, given[1]),
            ("DELETE", ["roleassignments", _]) => Self::DeleteRoleAssignment(at, given[1]),
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests;

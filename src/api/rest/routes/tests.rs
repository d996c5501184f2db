//! Paths as the official clients write them, and unknown ones.

use proptest::prelude::*;

use super::*;

/// Returns the pattern of a request's route, with the named segments; or the error.
fn route(method: &str, path: &str) -> Result<(&'static str, String)> {
    let (route, arguments) = find(ContainerKind::ManagedHsm, &method.parse().unwrap(), path)?;
    Ok((route.pattern(), arguments.to_string()))
}

#[test]
fn parses_paths_of_clients() {
    for (method, path, pattern, arguments) in [
        ("GET", "/keys", "keys", ""),
        ("GET", "/keys/", "keys", ""),
        ("POST", "/keys/n/create", "keys/{key}/create", "key=n"),
        ("PUT", "/keys/n", "keys/{key}", "key=n"),
        ("GET", "/keys/n", "keys/{key}/{version?}", "key=n"),
        ("GET", "/keys/N/", "keys/{key}/{version?}", "key=N"),
        ("GET", "/keys/n/v", "keys/{key}/{version?}", "key=n version=v"),
        ("PATCH", "/keys/n/", "keys/{key}/{version?}", "key=n"),
        ("PATCH", "/keys/n/v", "keys/{key}/{version?}", "key=n version=v"),
        ("DELETE", "/keys/n", "keys/{key}", "key=n"),
        ("GET", "/keys/n/versions", "keys/{key}/versions", "key=n"),
        ("POST", "/keys/n/rotate", "keys/{key}/rotate", "key=n"),
        ("GET", "/keys/n/rotationpolicy", "keys/{key}/rotationpolicy", "key=n"),
        ("PUT", "/keys/n/RotationPolicy", "keys/{key}/rotationpolicy", "key=n"),
        ("GET", "/DeletedKeys", "deletedkeys", ""),
        ("GET", "/deletedkeys/n", "deletedkeys/{key}", "key=n"),
        ("POST", "/deletedkeys/n/recover", "deletedkeys/{key}/recover", "key=n"),
        ("DELETE", "/deletedkeys/n", "deletedkeys/{key}", "key=n"),
        ("POST", "/keys/n/v/sign", "keys/{key}/{version?}/sign", "key=n version=v"),
        ("POST", "/keys/n//sign", "keys/{key}/{version?}/sign", "key=n"),
        ("POST", "/keys/n/sign", "keys/{key}/{version?}/sign", "key=n"),
        ("POST", "/keys/n/v/wrapKey", "keys/{key}/{version?}/wrapkey", "key=n version=v"),
        ("POST", "/keys/n/v/wrapkey", "keys/{key}/{version?}/wrapkey", "key=n version=v"),
        ("POST", "/keys/n/v/unwrapKey", "keys/{key}/{version?}/unwrapkey", "key=n version=v"),
        ("POST", "/backup", "backup", ""),
        ("POST", "/prebackup", "prebackup", ""),
        ("GET", "/backup/1/pending", "backup/{job}/pending", "job=1"),
        ("PUT", "/restore", "restore", ""),
        ("PUT", "/prerestore", "prerestore", ""),
        ("GET", "/restore/1/pending", "restore/{job}/pending", "job=1"),
        ("PUT", "/keys/n//restore", "keys/{key}/restore", "key=n"),
        ("PUT", "/keys/n/restore", "keys/{key}/restore", "key=n"),
        ("POST", "/rng", "rng", ""),
        ("GET", "/settings", "settings", ""),
        ("GET", "/Settings/", "settings", ""),
        ("GET", "/settings/n", "settings/{name}", "name=n"),
        ("PATCH", "/settings/n", "settings/{name}", "name=n"),
        // Keys may have any name.
        ("POST", "/keys/restore/create", "keys/{key}/create", "key=restore"),
        ("GET", "/keys/versions", "keys/{key}/{version?}", "key=versions"),
        ("GET", "/keys/providers", "keys/{key}/{version?}", "key=providers"),
        ("GET", "/keys/secrets", "keys/{key}/{version?}", "key=secrets"),
        ("GET", "/keys/n/release", "keys/{key}/{version?}", "key=n version=release"),
        ("DELETE", "/keys/backup", "keys/{key}", "key=backup"),
    ] {
        assert_eq!(route(method, path).unwrap(), (pattern, arguments.to_owned()), "{method} {path}");
    }
}

#[test]
fn parses_the_scope_of_role_paths() {
    for (method, path, tail, arguments) in [
        ("GET", "/providers/Microsoft.Authorization/roleDefinitions", "roleDefinitions", "scope="),
        ("GET", "///providers/Microsoft.Authorization/roleDefinitions", "roleDefinitions", "scope="),
        ("GET", "/keys/providers/Microsoft.Authorization/roleAssignments", "roleAssignments", "scope=/keys"),
        (
            "GET",
            "/keys/n/providers/Microsoft.Authorization/roleAssignments",
            "roleAssignments",
            "scope=/keys/n",
        ),
        (
            "PUT",
            "//providers/Microsoft.Authorization/roleAssignments/g",
            "roleAssignments/{id}",
            "scope= id=g",
        ),
        (
            "DELETE",
            "/keys/n/providers/microsoft.authorization/roleassignments/g",
            "roleAssignments/{id}",
            "scope=/keys/n id=g",
        ),
    ] {
        let (pattern, found) = route(method, path).unwrap();
        assert_eq!(pattern, format!("{{scope}}/providers/Microsoft.Authorization/{tail}"), "{method} {path}");
        assert_eq!(found, arguments, "{method} {path}");
    }
}

#[test]
fn unimplemented_features_are_unsupported() {
    for (method, path, feature) in
        [("POST", "/keys/n//release", "key release"), ("GET", "/keys/n//attestation", "key attestation")]
    {
        match route(method, path) {
            Err(Error::Unsupported { what }) => assert!(what.contains(feature), "{what}"),
            other => panic!("{method} {path}: {other:?}"),
        }
    }
}

#[test]
fn rejects_roles_at_invalid_scopes() {
    for scope in ["/key", "/keys/a/b", "/secrets/a", "/https:/host/keys"] {
        for tail in ["roleAssignments", "roleAssignments/a", "roleDefinitions"] {
            let path = format!("{scope}/providers/Microsoft.Authorization/{tail}");
            assert_eq!(route("GET", &path), Err(access::malformed_scope()), "{path}");
        }
    }
}

#[test]
fn unknown_paths_have_no_route() {
    for (method, path) in [
        ("GET", "/"),
        ("GET", ""),
        ("HEAD", "/keys"),
        ("POST", "/keys"),
        ("GET", "/keys/a/b/c"),
        ("POST", "/keys/a/b/fly"),
        ("GET", "/rng"),
        ("POST", "/keys/a/b/c/sign"),
        ("POST", "/settings"),
        ("PUT", "/settings/n"),
        ("DELETE", "/settings/n"),
        ("GET", "/settings/n/v"),
        ("GET", "/providers/Microsoft.Authorization/roleAssignments/a/b"),
        ("GET", "/providers/Microsoft.Authorization"),
        ("GET", "/keys/providers/Microsoft.Authorization"),
    ] {
        assert_eq!(route(method, path), Err(Error::RouteNotFound), "{method} {path}");
    }
    let long = "/keys".repeat(100);
    assert_eq!(route("GET", &long), Err(Error::RouteNotFound));
}

proptest! {
    #[test]
    fn parsing_never_panics(method in "GET|PUT|POST|PATCH|DELETE|X", path in "(/(keys|deletedkeys|rng|a|versions|providers|Microsoft.Authorization|roleAssignments|sign)?){0,9}|\\PC*") {
        let _ = route(&method, &path);
    }
}

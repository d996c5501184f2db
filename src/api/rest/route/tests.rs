//! Paths as the official clients write them, and unknown ones.

use proptest::prelude::*;

use super::*;

fn route<'a>(method: &str, path: &'a str) -> Route<'a> {
    Route::of(&method.parse().unwrap(), path)
}

fn current(key: &str) -> KeyVersionRef<'_> {
    KeyVersionRef { key, version: None }
}

#[test]
fn parses_paths_of_clients() {
    let version = KeyVersionRef { key: "n", version: Some("v") };
    for (method, path, wanted) in [
        ("GET", "/keys", Route::ListKeys),
        ("GET", "/keys/", Route::ListKeys),
        ("POST", "/keys/n/create", Route::CreateKey("n")),
        ("PUT", "/keys/n", Route::ImportKey("n")),
        ("GET", "/keys/n", Route::GetKey(current("n"))),
        ("GET", "/keys/N/", Route::GetKey(current("N"))),
        ("GET", "/keys/n/v", Route::GetKey(version)),
        ("PATCH", "/keys/n/", Route::UpdateKey(current("n"))),
        ("PATCH", "/keys/n/v", Route::UpdateKey(version)),
        ("DELETE", "/keys/n", Route::DeleteKey("n")),
        ("GET", "/keys/n/versions", Route::ListVersions("n")),
        ("POST", "/keys/n/rotate", Route::RotateKey("n")),
        ("GET", "/keys/n/rotationpolicy", Route::GetRotationPolicy("n")),
        ("PUT", "/keys/n/RotationPolicy", Route::PutRotationPolicy("n")),
        ("GET", "/DeletedKeys", Route::ListDeletedKeys),
        ("GET", "/deletedkeys/n", Route::GetDeletedKey("n")),
        ("POST", "/deletedkeys/n/recover", Route::RecoverDeletedKey("n")),
        ("DELETE", "/deletedkeys/n", Route::PurgeDeletedKey("n")),
        ("POST", "/keys/n/v/sign", Route::Sign(version)),
        ("POST", "/keys/n//sign", Route::Sign(current("n"))),
        ("POST", "/keys/n/sign", Route::Sign(current("n"))),
        ("POST", "/keys/n/v/wrapKey", Route::WrapKey(version)),
        ("POST", "/keys/n/v/wrapkey", Route::WrapKey(version)),
        ("POST", "/keys/n/v/unwrapKey", Route::UnwrapKey(version)),
        ("POST", "/rng", Route::RandomBytes),
        ("GET", "/providers/Microsoft.Authorization/roleDefinitions", Route::ListRoleDefinitions),
        ("GET", "///providers/Microsoft.Authorization/roleDefinitions", Route::ListRoleDefinitions),
        (
            "GET",
            "/keys/providers/Microsoft.Authorization/roleAssignments",
            Route::ListRoleAssignments(RouteScope::Keys),
        ),
        (
            "GET",
            "/keys/n/providers/Microsoft.Authorization/roleAssignments",
            Route::ListRoleAssignments(RouteScope::Key("n")),
        ),
        (
            "PUT",
            "//providers/Microsoft.Authorization/roleAssignments/g",
            Route::CreateRoleAssignment(RouteScope::Hsm, "g"),
        ),
        (
            "DELETE",
            "/keys/n/providers/microsoft.authorization/roleassignments/g",
            Route::DeleteRoleAssignment(RouteScope::Key("n"), "g"),
        ),
        ("GET", "/settings", Route::ListSettings),
        ("GET", "/Settings/", Route::ListSettings),
        ("GET", "/settings/n", Route::GetSetting("n")),
        ("PATCH", "/settings/n", Route::UpdateSetting("n")),
        ("POST", "/keys//restore", Route::Unsupported(UnsupportedFeature::Feature("backup and restore"))),
        ("POST", "/keys/n//release", Route::Unsupported(UnsupportedFeature::Feature("key release"))),
        ("GET", "/keys/n//attestation", Route::Unsupported(UnsupportedFeature::Feature("key attestation"))),
        // Keys may have any name.
        ("POST", "/keys/restore/create", Route::CreateKey("restore")),
        ("GET", "/keys/versions", Route::GetKey(current("versions"))),
        ("GET", "/keys/providers", Route::GetKey(current("providers"))),
        ("GET", "/keys/secrets", Route::GetKey(current("secrets"))),
        ("GET", "/keys/n/release", Route::GetKey(KeyVersionRef { key: "n", version: Some("release") })),
        ("DELETE", "/keys/backup", Route::DeleteKey("backup")),
    ] {
        assert_eq!(route(method, path), wanted, "{method} {path}");
    }
}

#[test]
fn rejects_roles_at_invalid_scopes() {
    for scope in ["/key", "/keys/a/b", "/secrets/a", "/https:/host/keys"] {
        for tail in ["roleAssignments", "roleAssignments/a", "roleDefinitions"] {
            let path = format!("{scope}/providers/Microsoft.Authorization/{tail}");
            assert_eq!(route("GET", &path), Route::MalformedScope, "{path}");
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
    ] {
        assert_eq!(route(method, path), Route::Unknown, "{method} {path}");
    }
    let long = "/keys".repeat(100);
    assert_eq!(route("GET", &long), Route::Unknown);
}

proptest! {
    #[test]
    fn parsing_never_panics(method in "GET|PUT|POST|PATCH|DELETE|X", path in "(/(keys|deletedkeys|rng|a|versions|providers|Microsoft.Authorization|roleAssignments|sign)?){0,9}|\\PC*") {
        let _ = route(&method, &path);
    }
}

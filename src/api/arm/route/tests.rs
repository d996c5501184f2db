//! Paths as the official clients write them, unknown and unimplemented ones.

use super::*;

fn route<'a>(method: &str, path: &'a str) -> Route<'a> {
    Route::of(&method.parse().unwrap(), path)
}

#[test]
fn parses_paths_of_clients_in_any_case() {
    let hsm = HsmRef { subscription: "s", group: "Dev", name: "Pay" };
    let group = GroupRef { subscription: "s", group: "Dev" };
    let deleted = DeletedHsmRef { subscription: "s", location: "East US", name: "Pay" };
    let key_vault = "/subscriptions/s/resourceGroups/Dev/providers/Microsoft.KeyVault";
    for (method, path, wanted) in [
        ("GET", "/metadata/endpoints", Route::CloudMetadata),
        ("GET", "/subscriptions", Route::ListSubscriptions),
        ("GET", "/subscriptions/s", Route::GetSubscription("s")),
        ("GET", "/subscriptions/s/", Route::GetSubscription("s")),
        ("GET", "/tenants", Route::ListTenants),
        ("GET", "/providers/microsoft.keyvault/operations", Route::ListProviderOperations),
        ("GET", "/subscriptions/s/resourcegroups/Dev", Route::GetGroup(group)),
        ("HEAD", "/subscriptions/s/resourcegroups/Dev", Route::HasGroup(group)),
        ("PUT", "/Subscriptions/s/resourceGroups/Dev", Route::PutGroup(group)),
        (
            "GET",
            "/subscriptions/s/providers/Microsoft.KeyVault",
            Route::GetProvider("s", "Microsoft.KeyVault"),
        ),
        (
            "POST",
            "/subscriptions/s/providers/microsoft.keyVault/register",
            Route::GetProvider("s", "Microsoft.KeyVault"),
        ),
        ("GET", "/subscriptions/s/providers/Microsoft.KeyVault/managedHSMs", Route::ListHsms("s", None)),
        ("GET", "/subscriptions/s/providers/Microsoft.KeyVault/deletedVaults", Route::ListVaults("s", None)),
        (
            "GET",
            "/subscriptions/s/providers/microsoft.keyvault/deletedmanagedhsms",
            Route::ListDeletedHsms("s"),
        ),
        (
            "POST",
            "/subscriptions/s/providers/Microsoft.KeyVault/locations/East US/deletedManagedHSMs/Pay/purge",
            Route::PurgeDeletedHsm(deleted),
        ),
        (
            "GET",
            "/subscriptions/s/providers/Microsoft.KeyVault/locations/eastus/managedHsmOperationResults/7",
            Route::OperationResult("s", "7"),
        ),
        ("GET", &format!("{key_vault}/managedHSMs"), Route::ListHsms("s", Some("Dev"))),
        ("PUT", &format!("{key_vault}/managedhsms/Pay"), Route::PutHsm(hsm)),
        ("PATCH", &format!("{key_vault}/managedHSMs/Pay"), Route::UpdateHsm(hsm)),
        ("GET", &format!("{key_vault}/managedHSMs/Pay/privateLinkResources"), Route::ListPrivateLinks(hsm)),
    ] {
        assert_eq!(route(method, path), wanted, "{method} {path}");
        assert_eq!(route(method, &path.replace("/providers", "//providers")), wanted, "{method} {path}");
    }
}

#[test]
fn parses_the_scope_of_role_paths() {
    let hsm = "/subscriptions/s/resourceGroups/Dev/providers/Microsoft.KeyVault/managedHSMs/Pay";
    for scope in ["", "/subscriptions/s", "/subscriptions/s/resourceGroups/Dev", hsm] {
        let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments");
        assert_eq!(route("GET", &path), Route::ListRoleAssignments(scope));
        let path = format!("{scope}//providers/microsoft.authorization/roledefinitions/1");
        assert_eq!(route("GET", &path), Route::GetRoleDefinition(scope, "1"));
    }
}

#[test]
fn other_paths_are_unknown_or_unimplemented() {
    let key_vault = "/subscriptions/s/resourceGroups/Dev/providers/Microsoft.KeyVault";
    for path in [
        "/",
        "",
        "/subscriptions/s/x",
        "/subscriptions/s/resourceGroups/Dev/providers",
        "/subscriptions/s/resourceGroups/Dev/providers/x",
        "/subscriptions/s/resourceGroups/Dev/providers/Micro%20soft.Compute/virtualMachines/x",
        "/providers/Microsoft.KeyVault/managedHSMs",
        &"/a".repeat(10_000),
    ] {
        assert_eq!(route("GET", path), Route::Unknown, "{path}");
    }
    assert_eq!(route("POST", &format!("{key_vault}/managedHSMs/Pay")), Route::Unknown);
    for (path, feature) in [
        ("managedHSMs/Pay/keys/k", "keys through Azure Resource Manager"),
        ("managedHSMs/Pay/privateEndpointConnections/c", "private endpoints"),
        ("vaults/v", "vaults through Azure Resource Manager"),
    ] {
        let path = format!("{key_vault}/{path}");
        assert_eq!(route("PUT", &path), Route::Unsupported(UnsupportedFeature::Feature(feature)), "{path}");
    }
    for (path, feature) in [
        (
            "/subscriptions/s/resourceGroups/Dev/providers/Microsoft.Compute/virtualMachines/x",
            UnsupportedFeature::Provider("Microsoft.Compute", Some("virtualMachines")),
        ),
        ("/providers/Microsoft.Capacity", UnsupportedFeature::Provider("Microsoft.Capacity", None)),
        (
            "/subscriptions/s/providers/Microsoft.KeyVault/managedHSMs/x/providers/Microsoft.Insights/metrics",
            UnsupportedFeature::Feature("metrics"),
        ),
    ] {
        assert_eq!(route("GET", path), Route::Unsupported(feature), "{path}");
    }
}

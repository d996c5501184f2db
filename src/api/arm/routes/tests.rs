//! Paths as the official clients write them, unknown and unimplemented ones.

use super::super::super::azure::unsupported::UnsupportedFeature;
use super::*;

/// Returns the pattern of a request's route, with the named segments of its path; or the error.
fn route(method: &str, path: &str) -> Result<String> {
    let (route, arguments) = find(&method.parse().unwrap(), path)?;
    Ok(format!("{} {arguments}", route.pattern()))
}

#[test]
fn parses_paths_of_clients_in_any_case() {
    let key_vault = "/subscriptions/s/resourceGroups/Dev/providers/Microsoft.KeyVault";
    for (method, path, wanted) in [
        ("GET", "/subscriptions", "subscriptions "),
        ("GET", "/subscriptions/s", "subscriptions/{subscription} subscription=s"),
        ("GET", "/subscriptions/s/", "subscriptions/{subscription} subscription=s"),
        ("GET", "/tenants", "tenants "),
        ("GET", "/providers/microsoft.keyvault/operations", "providers/Microsoft.KeyVault/operations "),
        (
            "GET",
            "/subscriptions/s/resourcegroups/Dev",
            "subscriptions/{subscription}/resourceGroups/{group} subscription=s group=Dev",
        ),
        (
            "HEAD",
            "/subscriptions/s/resourcegroups/Dev",
            "subscriptions/{subscription}/resourceGroups/{group} subscription=s group=Dev",
        ),
        (
            "PUT",
            "/Subscriptions/s/resourceGroups/Dev",
            "subscriptions/{subscription}/resourceGroups/{group} subscription=s group=Dev",
        ),
        (
            "GET",
            "/subscriptions/s/providers/Microsoft.KeyVault",
            "subscriptions/{subscription}/providers/{namespace} subscription=s namespace=Microsoft.KeyVault",
        ),
        (
            "POST",
            "/subscriptions/s/providers/microsoft.keyVault/register",
            "subscriptions/{subscription}/providers/{namespace}/register subscription=s namespace=microsoft.keyVault",
        ),
        (
            "GET",
            "/subscriptions/s/providers/Microsoft.KeyVault/managedHSMs",
            "subscriptions/{subscription}/providers/Microsoft.KeyVault/managedHSMs subscription=s",
        ),
        (
            "GET",
            "/subscriptions/s/providers/Microsoft.KeyVault/deletedVaults",
            "subscriptions/{subscription}/providers/Microsoft.KeyVault/deletedVaults subscription=s",
        ),
        (
            "GET",
            "/subscriptions/s/providers/microsoft.keyvault/deletedmanagedhsms",
            "subscriptions/{subscription}/providers/Microsoft.KeyVault/deletedManagedHSMs subscription=s",
        ),
        (
            "POST",
            "/subscriptions/s/providers/Microsoft.KeyVault/locations/East US/deletedManagedHSMs/Pay/purge",
            "subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}/deletedManagedHSMs/{name}/purge subscription=s location=East US name=Pay",
        ),
        (
            "GET",
            "/subscriptions/s/providers/Microsoft.KeyVault/locations/eastus/managedHsmOperationResults/7",
            "subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}/managedHsmOperationResults/{id} subscription=s location=eastus id=7",
        ),
        (
            "GET",
            &format!("{key_vault}/managedHSMs"),
            "subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/managedHSMs subscription=s group=Dev",
        ),
        (
            "PUT",
            &format!("{key_vault}/managedhsms/Pay"),
            "subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/managedHSMs/{name} subscription=s group=Dev name=Pay",
        ),
        (
            "PATCH",
            &format!("{key_vault}/managedHSMs/Pay"),
            "subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/managedHSMs/{name} subscription=s group=Dev name=Pay",
        ),
        (
            "GET",
            &format!("{key_vault}/managedHSMs/Pay/privateLinkResources"),
            "subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/managedHSMs/{name}/privateLinkResources subscription=s group=Dev name=Pay",
        ),
    ] {
        assert_eq!(route(method, path).unwrap(), wanted, "{method} {path}");
        assert_eq!(
            route(method, &path.replace("/providers", "//providers")).unwrap(),
            wanted,
            "{method} {path}"
        );
    }
}

#[test]
fn parses_the_scope_of_role_paths() {
    let hsm = "/subscriptions/s/resourceGroups/Dev/providers/Microsoft.KeyVault/managedHSMs/Pay";
    for scope in ["", "/subscriptions/s", "/subscriptions/s/resourceGroups/Dev", hsm] {
        let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments");
        let authorization = "{scope}/providers/Microsoft.Authorization";
        assert_eq!(route("GET", &path).unwrap(), format!("{authorization}/roleAssignments scope={scope}"));
        let path = format!("{scope}//providers/microsoft.authorization/roledefinitions/1");
        let wanted = format!("{authorization}/roleDefinitions/{{id}} scope={scope} id=1");
        assert_eq!(route("GET", &path).unwrap(), wanted);
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
        assert_eq!(route("GET", path), Err(Error::RouteNotFound), "{path}");
    }
    for container in ["managedHSMs/Pay", "vaults/v"] {
        let refused = route("POST", &format!("{key_vault}/{container}")).unwrap_err();
        assert!(
            matches!(&refused, Error::MethodNotAllowed { allowed } if allowed.contains("GET, ")),
            "{refused}"
        );
    }
    for (path, feature) in [
        ("managedHSMs/Pay/keys/k", "keys through Azure Resource Manager"),
        ("managedHSMs/Pay/privateEndpointConnections/c", "private endpoints"),
        ("vaults/v/privateEndpointConnections/c", "private endpoints"),
        ("vaults/v/x/y", "further parts of a vault"),
    ] {
        let path = format!("{key_vault}/{path}");
        assert_eq!(route("PUT", &path), Err(UnsupportedFeature::Feature(feature).into()), "{path}");
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
        assert_eq!(route("GET", path), Err(feature.into()), "{path}");
    }
}

#[test]
fn only_the_endpoints_of_the_cloud_need_no_credential() {
    for (method, path, wanted) in [
        ("GET", "/metadata/endpoints", true),
        ("GET", "//Metadata/endpoints/", true),
        ("POST", "/metadata/endpoints", false),
        ("GET", "/metadata/endpoints/x", false),
        ("GET", "/metadata", false),
        ("GET", "/subscriptions", false),
    ] {
        assert_eq!(is_cloud_metadata(&method.parse().unwrap(), path), wanted, "{method} {path}");
    }
}

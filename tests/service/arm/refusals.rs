//! Errors for unknown resources, malformed requests and unavailable features.

use http::Method;

use super::client::{Arm, SUBSCRIPTION, assert_arm_error, hsm};
use crate::support::Server;

#[tokio::test]
async fn unknown_resources_are_not_found() {
    let server = Server::start();
    let dev = Arm::authenticated(&server, "dev").await;
    for path in ["/", "/nonsense", "/subscriptions/x/y", "/providers/nonsense"] {
        let (code, _) = assert_arm_error(&dev.request("GET", path).await, 404);
        assert_eq!(code, "NotFound", "{path}");
    }
    let (code, _) = assert_arm_error(
        &dev.request("GET", "/subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb6").await,
        404,
    );
    assert_eq!(code, "SubscriptionNotFound");
    let results =
        format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/localhost/managedHsmOperationResults");
    for id in ["x", "11111111-2222-3333-4444-555555555555"] {
        assert_arm_error(&dev.request("GET", &format!("{results}/{id}")).await, 404);
    }
    assert_arm_error(&dev.request("GET", &hsm("no--pe")).await, 400);
}

#[tokio::test]
async fn rejects_malformed_requests() {
    let server = Server::start();
    let dev = Arm::authenticated(&server, "dev").await;
    let path = hsm("local");
    let (code, message) = assert_arm_error(&dev.raw(Method::GET, &path, "").await, 400);
    assert_eq!((code.as_str(), message.contains("api-version")), ("BadRequest", true), "{message}");
    assert_arm_error(&dev.raw(Method::GET, &format!("{path}?api-version=latest"), "").await, 400);
    for body in ["{", "[]", "7", "{\"properties\": 7}", "\u{0}"] {
        let (code, message) = assert_arm_error(
            &dev.raw(Method::PATCH, &format!("{path}?api-version=2026-02-01"), body).await,
            400,
        );
        assert!(code == "BadRequest" && message.starts_with("body"), "{body}: {message}");
    }
    let large = format!("{{\"tags\": {{\"a\": \"{}\"}}}}", "x".repeat(2 << 20));
    assert_arm_error(&dev.raw(Method::PATCH, &format!("{path}?api-version=2026-02-01"), large).await, 413);
}

#[tokio::test]
async fn unavailable_azure_features_are_named_with_501() {
    let server = Server::start();
    let (dev, unauthenticated) = (Arm::authenticated(&server, "dev").await, Arm::unauthenticated(&server));
    let group = format!("{SUBSCRIPTION}/resourceGroups/dev");
    let local = hsm("local");
    let (deployments, tags) = ("template deployments", "tags as resources");
    let settings = "diagnostic settings";
    let (put, post) = ("PUT", "POST");
    for (verb, scope, path, feature) in [
        (put, &local, "/keys/k", "keys through Azure Resource Manager"),
        (put, &local, "/privateEndpointConnections/c", "private endpoints"),
        ("GET", &local, "/nonsense/c", "further parts of a managed HSM"),
        ("GET", &group, "/providers/Microsoft.KeyVault/vaults/v/nonsense/c", "further parts of a vault"),
        (post, &group, "/providers/Microsoft.Resources/deployments/d/validate", deployments),
        (put, &group, "/providers/Microsoft.Resources/deployments/d", deployments),
        ("GET", &SUBSCRIPTION.to_owned(), "/providers/microsoft.resources/deployments/d", deployments),
        ("HEAD", &group, "/providers/Microsoft.Resources/deployments/d", deployments),
        ("GET", &group, "/providers/Microsoft.Resources/deployments/d/operationStatuses/1", deployments),
        (post, &group, "/exportTemplate", deployments),
        ("GET", &local, "/providers/Microsoft.Insights/diagnosticSettings", settings),
        (put, &local, "/providers/microsoft.insights/diagnosticSettings/d", settings),
        ("GET", &local, "/providers/Microsoft.Insights/diagnosticSettingsCategories", settings),
        ("GET", &local, "/providers/Microsoft.Insights/metrics", "metrics"),
        ("GET", &local, "/providers/Microsoft.Insights/metricDefinitions", "metrics"),
        (
            "GET",
            &SUBSCRIPTION.to_owned(),
            "/providers/Microsoft.Insights/eventtypes/management/values",
            "the activity log",
        ),
        ("GET", &local, "/providers/Microsoft.Resources/tags/default", tags),
        (put, &SUBSCRIPTION.to_owned(), "/tagNames/a", tags),
        ("GET", &local, "/providers/Microsoft.Authorization/locks/a", "locks"),
        ("GET", &group, "/providers/Microsoft.Authorization/policyAssignments", "Azure Policy"),
        (
            "GET",
            &group,
            "/providers/Microsoft.Authorization/denyAssignments",
            "Microsoft.Authorization/denyAssignments",
        ),
        ("GET", &group, "/providers/Microsoft.Network/privateEndpoints/p", "private endpoints"),
        (
            "GET",
            &group,
            "/providers/Microsoft.Compute/virtualMachines/v",
            "Microsoft.Compute/virtualMachines",
        ),
        ("GET", &SUBSCRIPTION.to_owned(), "/providers/Microsoft.Compute", "Microsoft.Compute"),
        (
            post,
            &SUBSCRIPTION.to_owned(),
            "/providers/Microsoft.Compute/register",
            "Microsoft.Compute/register",
        ),
        (post, &String::new(), "/batch", "batches of requests"),
        (
            post,
            &String::new(),
            "/providers/Microsoft.ResourceGraph/resources",
            "Microsoft.ResourceGraph/resources",
        ),
    ] {
        let path = format!("{scope}{path}");
        assert_eq!(unauthenticated.request(verb, &path).await.status, 401, "{path}");
        let answer = dev.request(verb, &path).await;
        if verb == "HEAD" {
            assert_eq!((answer.status, answer.text.as_str()), (501, ""), "{path}");
            continue;
        }
        let (code, message) = assert_arm_error(&answer, 501);
        let wanted = format!("The feature \"{feature}\" is not available yet");
        assert_eq!((code.as_str(), message), ("NotSupported", wanted), "{path}");
    }
    let provider = format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/register");
    assert_eq!(dev.request("POST", &provider).await.json(200)["registrationState"], "Registered");
}

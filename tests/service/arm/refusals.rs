//! What is not there, and what cannot be read.

use http::Method;
use serde_json::json;

use super::ask::{Arm, SUBSCRIPTION, hsm, refused};
use crate::support::Server;

#[tokio::test]
async fn what_is_not_there_says_so() {
    let server = Server::start();
    let dev = Arm::of(&server, "dev").await;
    for path in [
        "/",
        "/nonsense",
        "/subscriptions/x/y",
        &format!("{SUBSCRIPTION}/providers/Microsoft.Compute/virtualMachines"),
    ] {
        let (code, _) = refused(&dev.ask("GET", path).await, 404);
        assert_eq!(code, "NotFound", "{path}");
    }
    for path in [format!("{}/keys/k", hsm("local")), format!("{}/privateEndpointConnections/c", hsm("local"))]
    {
        let (code, message) = refused(&dev.send("PUT", &path, &json!({})).await, 501);
        assert_eq!((code.as_str(), message.contains("not available yet")), ("NotSupported", true), "{path}");
    }
    let (code, _) =
        refused(&dev.ask("GET", "/subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb6").await, 404);
    assert_eq!(code, "SubscriptionNotFound");
    let results =
        format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/localhost/managedHsmOperationResults");
    for id in ["x", "11111111-2222-3333-4444-555555555555"] {
        refused(&dev.ask("GET", &format!("{results}/{id}")).await, 404);
    }
    refused(&dev.ask("GET", &hsm("no--pe")).await, 400);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused() {
    let server = Server::start();
    let dev = Arm::of(&server, "dev").await;
    let path = hsm("local");
    let (code, message) = refused(&dev.raw(Method::GET, &path, "").await, 400);
    assert_eq!((code.as_str(), message.contains("api-version")), ("BadRequest", true), "{message}");
    refused(&dev.raw(Method::GET, &format!("{path}?api-version=latest"), "").await, 400);
    for body in ["{", "[]", "7", "{\"properties\": 7}", "\u{0}"] {
        let (code, message) =
            refused(&dev.raw(Method::PATCH, &format!("{path}?api-version=2026-02-01"), body).await, 400);
        assert!(code == "BadRequest" && message.starts_with("body"), "{body}: {message}");
    }
    let large = format!("{{\"tags\": {{\"a\": \"{}\"}}}}", "x".repeat(2 << 20));
    refused(&dev.raw(Method::PATCH, &format!("{path}?api-version=2026-02-01"), large).await, 413);
}

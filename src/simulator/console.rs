//! The web console of a simulator: its principals, and how it signs in as one of them.

use std::sync::Arc;

use axum::Router;
use serde_json::{Value, json};

use super::authority::{Authority, ConsoleTokens};
use super::seed::{PrincipalSeed, Seed};
use crate::config::{Config, ConsoleSignIn};
use crate::server::ConsoleSettings;

/// Returns the routes of the console, if one is served. `names` are those of the service's certificate, and `audiences` the
/// resources of the access tokens with which it signs in.
///
/// # Errors
/// None: the console connects to its own origin only.
pub(super) fn routes(
    config: &Config,
    seed: &Seed,
    authority: &Arc<Authority>,
    names: Vec<String>,
    audiences: Vec<String>,
) -> anyhow::Result<Option<Router>> {
    let from_anywhere = match config.simulator.console_sign_in {
        ConsoleSignIn::Off => return Ok(None),
        ConsoleSignIn::Loopback => false,
        ConsoleSignIn::Any => true,
    };
    let principals = seed.principal.iter().map(|principal| (principal.name.clone(), principal.client_id));
    let tokens = ConsoleTokens {
        authority: Arc::clone(authority),
        principals: principals.collect(),
        audiences,
        names,
        from_anywhere,
    };
    let settings = ConsoleSettings {
        config: json!({
            "mode": config.mode,
            "version": env!("CARGO_PKG_VERSION"),
            "tenant": seed.tenant_id,
            // For principals that may use these, and may not list the resources of the subscription.
            "subscription": seed.subscription.id,
            "hsm": seed.hsm.first().map(|hsm| &hsm.name),
            "vault": seed.vault.first().map(|vault| &vault.name),
            "principals": seed.principal.iter().map(description).collect::<Vec<_>>(),
        }),
        connect_origins: Vec::new(),
        sign_in: Some(tokens.router()),
    };
    settings.routes().map(Some)
}

/// Returns the URL of the console, on the service with this endpoint and port suffix.
pub(super) fn url(config: &Config, endpoint: &str, with_port: impl Fn(&str) -> String) -> Option<String> {
    match (config.simulator.console_sign_in, config.names.console.first()) {
        (ConsoleSignIn::Off, _) => None,
        (_, Some(host)) => Some(format!("{}/", with_port(host))),
        (_, None) => Some(format!("{endpoint}/console/")),
    }
}

/// Returns what the console shows of a principal.
fn description(principal: &PrincipalSeed) -> Value {
    let roles = principal.roles.iter().chain(&principal.vault_roles).chain(&principal.control_plane_roles);
    let roles: Vec<&str> = roles.map(String::as_str).collect();
    let roles = if roles.is_empty() { "no roles".to_owned() } else { roles.join(", ") };
    json!({ "name": principal.name, "id": principal.object_id, "description": roles })
}

//! Requests access tokens from the simulator's authority: the client credentials grant of OAuth 2.0 (RFC 6749,
//! section 4.4).

use std::net::SocketAddr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

use super::connect_error;
use super::connection::{Connection, Principal};
use super::failure::{Failure, Outcome};

/// A successful token response (RFC 6749, section 5.1).
#[derive(Debug, Deserialize)]
pub(crate) struct TokenResponse {
    /// The access token.
    #[serde(deserialize_with = "secret")]
    pub(crate) access_token: SecretString,
    /// The lifetime of the access token in seconds.
    pub(crate) expires_in: Option<u64>,
}

/// An error response (RFC 6749, section 5.2).
#[derive(Debug, Deserialize)]
struct ErrorResponse {
    error: String,
    #[serde(default)]
    error_description: String,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

/// Requests an access token for `principal` and `audience`. Subdomains of `localhost` resolve to `server`, since few
/// resolvers know them. `ca` is the trusted certificate in PEM.
pub(crate) async fn request_token(
    connection: &Connection,
    principal: &Principal,
    audience: &str,
    (server, ca): (SocketAddr, &[u8]),
    timeout: Duration,
) -> Outcome<TokenResponse> {
    let url = format!("{}/{}/oauth2/v2.0/token", connection.authority, connection.tenant_id);
    let unreachable = |error: reqwest::Error| connect_error::failure(&connection.authority, &error);
    let url = reqwest::Url::parse(&url)
        .map_err(|error| Failure::problem(format!("authority {}: {error}", connection.authority)))?;
    if url.scheme() != "https" {
        return Err(Failure::problem(format!("{url}: client secrets are not sent without TLS")));
    }
    // The simulator is never behind a proxy, and a redirect would send the secret to another server.
    let mut client = reqwest::Client::builder()
        .https_only(true)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(timeout)
        .tls_certs_only(reqwest::Certificate::from_pem_bundle(ca).map_err(unreachable)?);
    if let Some(host) = url.host_str().filter(|host| host.ends_with(".localhost")) {
        client = client.resolve(host, server);
    }
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", principal.client_id.as_str()),
        ("client_secret", principal.client_secret.expose_secret()),
        ("scope", &format!("{audience}/.default")),
    ];
    let reply =
        client.build().map_err(unreachable)?.post(url).form(&form).send().await.map_err(unreachable)?;
    let status = reply.status();
    let body = zeroize::Zeroizing::new(reply.bytes().await.map_err(unreachable)?.to_vec());
    if status.is_success() {
        return serde_json::from_slice(&body).map_err(|_| {
            Failure::problem(format!("{} returned an invalid token response", connection.authority))
        });
    }
    let why = match serde_json::from_slice::<ErrorResponse>(&body) {
        Ok(response) => {
            let description = response.error_description.lines().next().unwrap_or_default();
            format!("{} {description}", response.error).trim_end().to_owned()
        }
        Err(_) => status.to_string(),
    };
    Err(Failure::problem(format!("the authority rejected the token request for {}: {why}", principal.name)))
}

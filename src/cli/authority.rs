//! Tokens from the simulator's authority: the client credentials grant of OAuth 2 (RFC 6749, section 4.4).

use std::net::SocketAddr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

use super::connection::{Connection, Principal};
use super::failure::{Failure, Outcome};
use super::reach;

/// What the authority issued.
#[derive(Debug, Deserialize)]
pub(crate) struct Issued {
    /// The bearer token.
    #[serde(deserialize_with = "secret")]
    pub(crate) access_token: SecretString,
    /// For how many seconds it can be used.
    pub(crate) expires_in: Option<u64>,
}

/// Why the authority issued nothing (RFC 6749, section 5.2).
#[derive(Debug, Deserialize)]
struct Refused {
    error: String,
    #[serde(default)]
    error_description: String,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

/// Asks for a token for a principal that is meant for `audience`. Names below `.localhost` are taken to be at
/// `server`, because resolvers rarely know them. `ca` is PEM.
pub(crate) async fn request_token(
    connection: &Connection,
    principal: &Principal,
    audience: &str,
    (server, ca): (SocketAddr, &[u8]),
    patience: Duration,
) -> Outcome<Issued> {
    let url = format!("{}/{}/oauth2/v2.0/token", connection.authority, connection.tenant_id);
    let unreachable = |error: reqwest::Error| reach::failure(&connection.authority, &error);
    let url = reqwest::Url::parse(&url)
        .map_err(|error| Failure::problem(format!("authority {}: {error}", connection.authority)))?;
    if url.scheme() != "https" {
        return Err(Failure::problem(format!("{url}: a client secret is not sent without TLS")));
    }
    // The simulator is never behind a proxy, and a redirect would carry the secret elsewhere.
    let mut client = reqwest::Client::builder()
        .https_only(true)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(patience)
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
            Failure::problem(format!("{} answered something other than a token", connection.authority))
        });
    }
    let why = match serde_json::from_slice::<Refused>(&body) {
        Ok(refused) => {
            let description = refused.error_description.lines().next().unwrap_or_default();
            format!("{} {description}", refused.error).trim_end().to_owned()
        }
        Err(_) => status.to_string(),
    };
    Err(Failure::problem(format!("the authority refused a token for {}: {why}", principal.name)))
}

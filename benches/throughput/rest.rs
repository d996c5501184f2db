//! Calls over REST, as clients of Azure send them: HTTP/1.1, JSON, an access token in each request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use http::header::{ACCEPT, AUTHORIZATION, RETRY_AFTER, USER_AGENT};
use serde_json::{Value, json};
use strongroom::ids::Ids;

use crate::service::Reply;
use crate::simulator::Simulator;
use crate::work::{DIGEST, PLAINTEXT, Work};

/// The `api-version` of the requests.
const VERSION: &str = "7.6";

/// What identifies the client, in the form of Azure's clients.
const CLIENT: &str = "azsdk-bench-keyvault-keys/4.0.0";

/// The service, as all clients address it.
#[derive(Clone)]
pub(crate) struct Target(Arc<Addresses>);

#[derive(Clone)]
struct Addresses {
    /// The certificate authority, PEM.
    ca: Vec<u8>,
    address: SocketAddr,
    hsm: String,
    secret: String,
    /// The URLs of key versions, as the service names them.
    ec: String,
    rsa: String,
    aes: String,
    hsm_bearer: String,
    vault_bearer: String,
}

/// A client with a connection of its own, which it keeps.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    target: Target,
}

/// The host names of the measured containers.
const HOSTS: [&str; 2] = ["local.managedhsm.localhost", "demo.vault.localhost"];

impl Target {
    /// Finds the service and its keys, which exist.
    pub(crate) async fn of(simulator: &Simulator) -> anyhow::Result<Self> {
        let connection = simulator.connection()?;
        let address: SocketAddr =
            connection.endpoint.strip_prefix("https://").context("the endpoint is no HTTPS URL")?.parse()?;
        let [hsm, vault] = HOSTS.map(|host| format!("https://{host}:{}", address.port()));
        let mut addresses = Addresses {
            ca: connection.ca,
            address,
            secret: format!("{vault}/secrets/secret"),
            hsm,
            ec: String::new(),
            rsa: String::new(),
            aes: String::new(),
            hsm_bearer: simulator.bearer("data").0.to_str()?.to_owned(),
            vault_bearer: simulator.bearer("vault").0.to_str()?.to_owned(),
        };
        let reader = Self(Arc::new(addresses.clone())).client()?;
        for (name, url) in
            [("ec", &mut addresses.ec), ("rsa", &mut addresses.rsa), ("aes", &mut addresses.aes)]
        {
            *url = reader.version_url(name).await?;
        }
        Ok(Self(Arc::new(addresses)))
    }

    /// Creates a client. It connects with its first call.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        let builder = reqwest::Client::builder()
            .http1_only()
            .tcp_nodelay(true)
            .tls_certs_only([reqwest::Certificate::from_pem(&self.0.ca)?]);
        let builder = HOSTS.iter().fold(builder, |builder, host| builder.resolve(host, self.0.address));
        Ok(Client { http: builder.build()?, target: self.clone() })
    }
}

impl Client {
    /// Sends one call and waits for its reply.
    pub(crate) async fn call(&self, work: Work) -> anyhow::Result<Reply> {
        let target = &*self.target.0;
        let (hsm, vault) = (&target.hsm_bearer, &target.vault_bearer);
        match work {
            Work::Empty => self.get(&format!("{}/healthz", target.hsm), hsm, "status").await,
            Work::Es256 => self.post(&target.ec, "sign", "ES256", &DIGEST).await,
            Work::Rs256 => self.post(&target.rsa, "sign", "RS256", &DIGEST).await,
            Work::A256gcm => self.post(&target.aes, "encrypt", "A256GCM", &PLAINTEXT).await,
            Work::GetKey => self.get(&target.ec, hsm, "key").await,
            Work::GetSecret => self.get(&target.secret, vault, "value").await,
            Work::Es256Batch | Work::Es256Stream => anyhow::bail!("REST has neither batches nor streams"),
        }
    }

    async fn post(&self, key: &str, operation: &str, algorithm: &str, value: &[u8]) -> anyhow::Result<Reply> {
        let body = json!({"alg": algorithm, "value": URL_SAFE_NO_PAD.encode(value)});
        let request = self.http.post(format!("{key}/{operation}?api-version={VERSION}")).json(&body);
        reply(self.send(request, &self.target.0.hsm_bearer).await?, "value").await
    }

    async fn get(&self, url: &str, bearer: &str, member: &str) -> anyhow::Result<Reply> {
        let request = self.http.get(format!("{url}?api-version={VERSION}"));
        reply(self.send(request, bearer).await?, member).await
    }

    async fn send(
        &self,
        request: reqwest::RequestBuilder,
        bearer: &str,
    ) -> anyhow::Result<reqwest::Response> {
        let request = request
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, bearer)
            .header(USER_AGENT, CLIENT)
            .header("x-ms-client-request-id", Ids.guid().to_string());
        Ok(request.send().await?)
    }

    /// Returns the URL of the current version of a key.
    async fn version_url(&self, name: &str) -> anyhow::Result<String> {
        let request = self.http.get(format!("{}/keys/{name}?api-version={VERSION}", self.target.0.hsm));
        let bundle: Value =
            self.send(request, &self.target.0.hsm_bearer).await?.error_for_status()?.json().await?;
        Ok(bundle["key"]["kid"].as_str().context("a key has no identifier")?.to_owned())
    }
}

/// Reads a response, which must have this member, or be a refusal because of overload.
async fn reply(response: reqwest::Response, member: &str) -> anyhow::Result<Reply> {
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        let seconds = response.headers().get(RETRY_AFTER).context("a refusal has no Retry-After")?;
        return Ok(Reply::Refused(Duration::from_secs(seconds.to_str()?.parse()?)));
    }
    let body: Value = response.error_for_status()?.json().await?;
    anyhow::ensure!(!body[member].is_null(), "a response has no {member}");
    Ok(Reply::Answered)
}

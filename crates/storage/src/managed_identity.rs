//! Access tokens of the machine's managed identity, for storage accounts.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use object_store::azure::{AzureCredentialProvider, MicrosoftAzureBuilder};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};

use crate::error::StorageError;

/// The timeout of one request for an access token. The endpoint is on this machine or on its host.
const REQUEST: Duration = Duration::from_secs(3);

/// How many times such a request is repeated if the endpoint cannot be reached, does not answer, or answers 429 or 5xx.
const RETRIES: usize = 3;

/// The longest delay before a repetition.
const MAX_DELAY: Duration = Duration::from_secs(1);

/// The managed identity of the machine.
#[derive(Clone, Debug, Default)]
pub struct ManagedIdentity {
    /// The URL that issues access tokens; if `None`, that of the Azure Instance Metadata Service.
    /// <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#get-a-token-using-http>
    pub endpoint: Option<String>,
    /// The client id of a user-assigned identity; if `None`, the endpoint selects the identity.
    pub client_id: Option<String>,
}

impl ManagedIdentity {
    /// The source of access tokens. Requests none.
    ///
    /// # Errors
    /// [`StorageError::Failed`].
    pub(crate) fn credentials(&self) -> Result<AzureCredentialProvider, StorageError> {
        let backoff = BackoffConfig { max_backoff: MAX_DELAY, ..BackoffConfig::default() };
        let retry_timeout = REQUEST * 2;
        let options = without_proxy().with_timeout(REQUEST);
        // The account is not contacted. The library has no other constructor of this source, and a client of an account
        // has one set of timeouts.
        let mut builder = MicrosoftAzureBuilder::new()
            .with_account("none")
            .with_container_name("none")
            .with_client_options(options)
            .with_retry(RetryConfig { backoff, max_retries: RETRIES, retry_timeout });
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_msi_endpoint(endpoint.clone());
        }
        if let Some(client_id) = &self.client_id {
            builder = builder.with_client_id(client_id.clone());
        }
        let store = builder.build().map_err(|error| StorageError::of(&error, "the managed identity"))?;
        Ok(Arc::clone(store.credentials()))
    }
}

/// Options of a client that sends requests to no proxy, for requests or answers with credentials and without TLS.
///
/// The library uses the proxy variables of the environment unless a proxy is set. This one has an exclusion of all names
/// and all addresses.
pub(crate) fn without_proxy() -> ClientOptions {
    ClientOptions::new().with_proxy_url("http://127.0.0.1").with_proxy_excludes("*,0.0.0.0/0,::/0")
}

/// Requests an access token, unless there is a valid one.
///
/// # Errors
/// [`StorageError::NoToken`].
pub(crate) async fn authenticate(credentials: &AzureCredentialProvider) -> Result<(), StorageError> {
    credentials.get_credential().await.map(drop).map_err(|error| {
        let request =
            error.source().filter(|cause| cause.to_string().starts_with("Error performing token request"));
        // The text about an answer that cannot be parsed may contain a part of it.
        StorageError::no_token(request.ok_or("its answer contains no access token"))
    })
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::time::Instant;

    use super::*;
    use crate::{Address, Credential, Location, Policy};

    async fn listener() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        (listener, url)
    }

    /// Answers one request, and returns it.
    async fn answer(listener: &TcpListener, head: &str, body: &str) -> String {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 4096];
        let length = connection.read(&mut request).await.unwrap();
        let length_header = format!("connection: close\r\ncontent-length: {}", body.len());
        let answer = format!("HTTP/1.1 {head}\r\n{length_header}\r\n\r\n{body}");
        connection.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&request[..length]).into_owned()
    }

    async fn outcome(endpoint: String) -> Result<(), StorageError> {
        let identity = ManagedIdentity { endpoint: Some(endpoint), client_id: None };
        authenticate(&identity.credentials().unwrap()).await
    }

    /// The clock advances to the next timeout when all tasks wait.
    #[tokio::test(start_paused = true)]
    async fn endpoint_that_does_not_answer_fails_in_a_bounded_time() {
        let (_listener, url) = listener().await;
        let started = Instant::now();
        let text = outcome(url).await.unwrap_err().to_string();
        assert!(text.starts_with("the managed identity endpoint issues no access token: "), "{text}");
        let limit = REQUEST * 4 + MAX_DELAY * 3;
        assert!(started.elapsed() >= REQUEST && started.elapsed() <= limit, "{:?}", started.elapsed());
    }

    #[tokio::test]
    async fn error_contains_no_part_of_an_answer_that_is_not_a_token() {
        for body in ["\"secret\"", r#"{"access_token":"secret","expires_on":"x"}"#] {
            let (listener, url) = listener().await;
            let (outcome, _) = tokio::join!(outcome(url), answer(&listener, "200 OK", body));
            let text =
                "the managed identity endpoint issues no access token: its answer contains no access token";
            assert_eq!(outcome.unwrap_err().to_string(), text);
        }
    }

    #[tokio::test]
    async fn token_is_not_sent_where_the_storage_redirects() {
        let (issuer, endpoint) = listener().await;
        let (storage, account) = listener().await;
        let (other, elsewhere) = listener().await;
        let managed_identity = ManagedIdentity { endpoint: Some(endpoint), client_id: None };
        let hosts = vec!["127.0.0.1".to_owned()];
        let policy = Policy { hosts, managed_identity, ..Policy::default() };
        let address = Address::parse(&format!("{account}/a/c"), "", &policy).unwrap();
        let location = Location::open(&address, &Credential::ManagedIdentity, &policy).unwrap();
        let expires = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() + 3600;
        let token = format!(r#"{{"access_token":"secret","expires_on":"{expires}"}}"#);
        let redirect = format!("307 Temporary Redirect\r\nlocation: {elsewhere}/a/c/object");
        let (_, _, authenticated, redirected) = tokio::join!(
            location.check_readable("object"),
            answer(&issuer, "200 OK", &token),
            answer(&storage, &redirect, ""),
            answer(&other, "403 Forbidden", ""),
        );
        assert!(authenticated.contains("authorization: Bearer secret"), "{authenticated}");
        assert!(
            redirected.starts_with("HEAD /a/c/object ") && !redirected.contains("secret"),
            "{redirected}"
        );
    }
}

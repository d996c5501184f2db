//! A client that writes a secret of a vault and a tag of a vault as a resource, and reads what it wrote.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Method;
use rand::Rng as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::report::Report;
use super::session::{Current, Failure, Session};

const SECRET: &str = "demo.vault.localhost/secrets/soak";

/// The values that may be stored: the one that was answered last, and those whose answer was lost since.
struct Possible(Vec<Option<String>>);

impl Possible {
    /// Asserts that a value is one of those, which it then is alone.
    fn observe(&mut self, what: &str, found: Option<String>) {
        assert!(self.0.contains(&found), "{what}: {found:?} is none of {:?}", self.0);
        self.0 = vec![found];
    }
}

/// Writes and reads until it is stopped.
pub(super) async fn run(
    current: watch::Receiver<Arc<Session>>,
    stop: Arc<AtomicBool>,
    report: Arc<Report>,
    seed: u64,
) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut current = Current(current);
    let vault = vault_of(&mut current).await;
    let (mut secret, mut tag) = (Possible(vec![None]), Possible(vec![None]));
    while !stop.load(Ordering::Relaxed) {
        let value = format!("{:032x}", rng.r#gen::<u128>());
        let session = current.session();
        let is_secret = rng.gen_bool(0.5);
        let (what, known) = if is_secret { ("secret", &mut secret) } else { ("tag", &mut tag) };
        let result = if rng.gen_bool(0.4) {
            let written = match is_secret {
                true => session.rest(Method::PUT, SECRET, json!({ "value": value })).await,
                false => session.rest(Method::PATCH, &vault, json!({ "tags": { "soak": value } })).await,
            };
            report.count(&format!("set {what}"), &written);
            match &written {
                Ok(_) => known.0 = vec![Some(value)],
                Err(Failure::Lost) => known.0.push(Some(value)),
                Err(_) => {}
            }
            written.map(drop)
        } else {
            let read = match is_secret {
                true => {
                    session.rest(Method::GET, SECRET, Value::Null).await.map(|secret| secret["value"].clone())
                }
                false => session
                    .rest(Method::GET, &vault, Value::Null)
                    .await
                    .map(|vault| vault["tags"]["soak"].clone()),
            };
            report.count(&format!("get {what}"), &read);
            match read {
                Ok(value) => {
                    known.observe(what, value.as_str().map(str::to_owned));
                    Ok(())
                }
                Err(Failure::NotFound) => {
                    known.observe(what, None);
                    Ok(())
                }
                Err(failure) => Err(failure),
            }
        };
        match result {
            Err(Failure::Lost) => current.replaced(session.number).await,
            _ => tokio::time::sleep(Duration::from_millis(rng.gen_range(5..40))).await,
        }
    }
    let session = current.session();
    let read = session.rest(Method::GET, SECRET, Value::Null).await;
    secret.observe("secret", read.ok().and_then(|secret| secret["value"].as_str().map(str::to_owned)));
}

/// Finds the path of the vault at the control plane.
async fn vault_of(current: &mut Current) -> String {
    loop {
        let session = current.session();
        match find_vault(&session).await {
            Ok(vault) => return vault,
            // The server was killed or restarted meanwhile.
            Err(Failure::Lost) => current.replaced(session.number).await,
            Err(failure) => panic!("the vault cannot be found: {failure:?}"),
        }
    }
}

async fn find_vault(session: &Session) -> Result<String, Failure> {
    let url = "management.localhost/subscriptions";
    let subscriptions = session.rest(Method::GET, url, Value::Null).await?;
    let subscription = subscriptions["value"][0]["id"].as_str().unwrap();
    let url = format!("management.localhost{subscription}/providers/Microsoft.KeyVault/vaults");
    let vaults = session.rest(Method::GET, &url, Value::Null).await?;
    Ok(format!("management.localhost{}", vaults["value"][0]["id"].as_str().unwrap()))
}

//! Calls on every surface while the storage fails, and what must hold afterwards: what was acknowledged exists and is recorded once.

use std::time::{Duration, Instant};

use strongroom::api::grpc::pb;
use tonic::{Code, Request, Status};
use uuid::Uuid;

use crate::kit::rest::Rest;
use crate::support::{Client, Server, ec, reason};

/// Clients of a server, whose access tokens were issued before the fault, and the calls so far.
pub(super) struct Calls {
    pub(super) client: Client,
    rest: Rest,
    arm: Rest,
    subscription: String,
    /// The correlation ids of calls that succeeded, and of those that were refused.
    answered: Vec<Uuid>,
    refused: Vec<Uuid>,
    /// The keys whose creation was acknowledged.
    keys: Vec<String>,
    calls: u128,
}

impl Calls {
    /// Creates clients, and a key.
    pub(super) async fn begin(server: &Server) -> Self {
        let (client, rest, arm) = clients(server).await;
        let subscription = server.connection().subscription_id;
        let mut calls = Self {
            client,
            rest,
            arm,
            subscription,
            answered: Vec::new(),
            refused: Vec::new(),
            keys: Vec::new(),
            calls: 0,
        };
        calls.create("sample").await.unwrap();
        calls
    }

    /// Connects anew, to a server that was started again.
    pub(super) async fn connect(&mut self, server: &Server) {
        (self.client, self.rest, self.arm) = clients(server).await;
    }

    fn request<T>(&mut self, message: T) -> (Uuid, Request<T>) {
        self.calls += 1;
        let id = Uuid::from_u128(self.calls);
        let mut request = Request::new(message);
        request.metadata_mut().insert("x-correlation-id", id.to_string().parse().unwrap());
        (id, request)
    }

    fn note<T>(&mut self, id: Uuid, result: &Result<T, Status>) {
        match result {
            Ok(_) => self.answered.push(id),
            Err(status) => {
                self.refused.push(id);
                assert_clear(status);
            }
        }
    }

    pub(super) async fn sign(&mut self) -> Result<(), Status> {
        self.sign_with("sample").await
    }

    async fn sign_with(&mut self, key: &str) -> Result<(), Status> {
        let name = format!("hsms/local/keys/{key}");
        let message = pb::SignRequest { name, algorithm: "ES256".to_owned(), digest: vec![7; 32] };
        let (id, request) = self.request(message);
        let result = self.client.crypto.sign(request).await.map(drop);
        self.note(id, &result);
        result
    }

    pub(super) async fn create(&mut self, name: &str) -> Result<(), Status> {
        let message = pb::CreateKeyRequest { parent: "hsms/local".to_owned(), ..ec(name, "P-256") };
        let (id, request) = self.request(message);
        let result = self.client.keys.create_key(request).await.map(drop);
        self.note(id, &result);
        self.keys.extend(result.is_ok().then(|| name.to_owned()));
        result
    }

    /// Signs until a call is refused, and returns its error. The last page of a file may have space for some calls, with short records
    /// even longer.
    pub(super) async fn sign_until_refused(&mut self) -> Status {
        for _ in 0..200 {
            if let Err(status) = self.sign().await {
                return status;
            }
        }
        panic!("no call is refused");
    }

    /// Asserts that every surface refuses calls as unavailable, and says why.
    pub(super) async fn assert_refused(&mut self, why: &str) {
        let status = self.sign_until_refused().await;
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "STORAGE_UNAVAILABLE"));
        assert!(status.message().contains(why), "{status:?}");
        let mut answer = self.rest.get("/keys/sample").await;
        for _ in 0..50 {
            if answer.status != 200 {
                break;
            }
            answer = self.rest.get("/keys/sample").await;
        }
        let message = answer.error(503, "ServiceUnavailable");
        assert!(
            message.to_lowercase().contains(why) && !answer.header("retry-after").is_empty(),
            "{answer:?}"
        );
        let path = format!("/subscriptions/{}?api-version=2022-12-01", self.subscription);
        let mut answer = self.arm.raw(http::Method::GET, &path, "").await;
        for _ in 0..50 {
            if answer.status != 200 {
                break;
            }
            answer = self.arm.raw(http::Method::GET, &path, "").await;
        }
        let error = &answer.json(503)["error"];
        assert_eq!(error["code"], "ServiceUnavailable", "{answer:?}");
        assert!(error["message"].as_str().unwrap().to_lowercase().contains(why), "{answer:?}");
    }

    /// Waits until calls succeed again.
    pub(super) async fn wait_until_served(&mut self, server: &Server) {
        let started = Instant::now();
        while self.sign().await.is_err() {
            assert!(started.elapsed() < Duration::from_secs(30), "{}", server.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Asserts that all acknowledged keys can be used, that each answered call is recorded once, and that none is recorded as
    /// successful that was refused.
    pub(super) async fn assert_nothing_lost(&mut self, server: &Server) {
        for key in self.keys.clone() {
            self.sign_with(&key).await.unwrap();
        }
        let records = server.audit_where(0, |record| record["resultType"] == "Success");
        let count =
            |id: &Uuid| records.iter().filter(|record| record["correlationId"] == id.to_string()).count();
        for id in &self.answered {
            assert_eq!(count(id), 1, "{id}");
        }
        for id in &self.refused {
            assert_eq!(count(id), 0, "{id}");
        }
        let report = strongroom::audit::verify(&server.directory().join("audit")).unwrap();
        assert_eq!((report.broken, report.first), (None, Some(1)));
    }
}

async fn clients(server: &Server) -> (Client, Rest, Rest) {
    let client = server.client("dev").await;
    let rest = Rest::authenticated(server, "dev").await;
    let connection = server.connection();
    let port = connection.endpoint.rsplit(':').next().unwrap();
    let token = server.access_token_for("owner", &connection.management_audience).await;
    let arm = rest.with_token(&token).at_host(&format!("management.localhost:{port}"));
    (client, rest, arm)
}

/// Asserts that an error says what is wrong, and how it ended.
fn assert_clear(status: &Status) {
    let expected = match reason(status).as_str() {
        "STORAGE_UNAVAILABLE" => (Code::Unavailable, "nothing was done"),
        "STORAGE_OUTCOME_UNKNOWN" => (Code::Internal, "it is unknown"),
        "TOKEN_FAILED" => (Code::Internal, "the token failed in C_"),
        "TOKEN_UNAVAILABLE" => (Code::Unavailable, "the token is not available"),
        other => panic!("{other}: {status:?}"),
    };
    assert!(status.code() == expected.0 && status.message().contains(expected.1), "{status:?}");
}

//! Calls over gRPC.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::crypto_service_client::CryptoServiceClient;
use strongroom::api::grpc::pb::key_service_client::KeyServiceClient;
use strongroom::api::grpc::pb::secret_service_client::SecretServiceClient;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt as _;

use crate::service::Reply;
use crate::simulator::{Authorized, Simulator};
use crate::work::{BATCH, DIGEST, IN_FLIGHT, PLAINTEXT, SECRET, Work};

/// Clients on one connection.
#[derive(Clone)]
pub(crate) struct Client {
    health: HealthClient<Channel>,
    keys: KeyServiceClient<Authorized>,
    crypto: CryptoServiceClient<Authorized>,
    secrets: SecretServiceClient<Authorized>,
}

impl Client {
    pub(crate) async fn connect(simulator: &Simulator) -> anyhow::Result<Self> {
        let channel = simulator.connect().await?;
        let authorized = simulator.authorize("data", channel.clone());
        let for_vaults = simulator.authorize("vault", channel.clone());
        Ok(Self {
            health: HealthClient::new(channel),
            keys: KeyServiceClient::new(authorized.clone()),
            crypto: CryptoServiceClient::new(authorized),
            secrets: SecretServiceClient::new(for_vaults),
        })
    }

    /// Creates the keys and the secret of all operations.
    pub(crate) async fn create_objects(&mut self) -> anyhow::Result<()> {
        for (name, kty, key_size) in
            [("ec", "EC-HSM", None), ("rsa", "RSA-HSM", Some(2048)), ("aes", "oct-HSM", Some(256))]
        {
            let request = pb::CreateKeyRequest {
                parent: "hsms/local".to_owned(),
                key_id: name.to_owned(),
                kty: kty.to_owned(),
                key_size,
                ..Default::default()
            };
            self.keys.create_key(request).await?;
        }
        let request = pb::SetSecretRequest {
            parent: "vaults/demo".to_owned(),
            secret_id: "secret".to_owned(),
            value: Some(SECRET.to_owned()),
            ..Default::default()
        };
        self.secrets.set_secret(request).await?;
        Ok(())
    }

    /// Sends one call and waits for its reply.
    pub(crate) async fn call(&mut self, work: Work) -> anyhow::Result<Reply> {
        match self.send(work).await {
            Ok(()) => Ok(Reply::Answered),
            Err(error) => refusal(&error).map(Reply::Refused).ok_or(error),
        }
    }

    async fn send(&mut self, work: Work) -> anyhow::Result<()> {
        match work {
            Work::Empty => drop(self.health.check(HealthCheckRequest::default()).await?),
            Work::Es256 => self.sign("hsms/local/keys/ec", "ES256").await?,
            Work::Es256Batch => {
                let item = pb::SignItem { algorithm: "ES256".to_owned(), digest: DIGEST.to_vec() };
                let name = "hsms/local/keys/ec".to_owned();
                let request = pb::BatchSignRequest { name, items: vec![item; BATCH] };
                let results = self.crypto.batch_sign(request).await?.into_inner().results;
                let signed = |result: &pb::SignResult| {
                    matches!(result.outcome, Some(pb::sign_result::Outcome::Signature(_)))
                };
                anyhow::ensure!(results.iter().all(signed), "an item of a batch failed");
            }
            Work::Es256Stream => anyhow::bail!("a stream is not one call"),
            Work::Rs256 => self.sign("hsms/local/keys/rsa", "RS256").await?,
            Work::A256gcm => {
                let request = pb::EncryptRequest {
                    name: "hsms/local/keys/aes".to_owned(),
                    algorithm: "A256GCM".to_owned(),
                    plaintext: PLAINTEXT.to_vec(),
                    ..Default::default()
                };
                drop(self.crypto.encrypt(request).await?);
            }
            Work::GetKey => {
                let request = pb::GetKeyRequest { name: "hsms/local/keys/ec".to_owned() };
                drop(self.keys.get_key(request).await?);
            }
            Work::GetSecret => {
                let request = pb::GetSecretRequest { name: "vaults/demo/secrets/secret".to_owned() };
                drop(self.secrets.get_secret(request).await?);
            }
        }
        Ok(())
    }

    async fn sign(&mut self, name: &str, algorithm: &str) -> anyhow::Result<()> {
        drop(self.crypto.sign(sign_request(name, algorithm)).await?);
        Ok(())
    }

    /// Signs on one stream until `end`, and sends a request for each response. Returns the latencies.
    pub(crate) async fn stream_signatures(&mut self, end: Instant) -> anyhow::Result<Vec<Duration>> {
        let (requests, mut sent) = tokio::sync::mpsc::unbounded_channel();
        let send = |id: u64| {
            let sign = pb::pipeline_request::Request::Sign(sign_request("hsms/local/keys/ec", "ES256"));
            let sent = requests.send(pb::PipelineRequest { id, request: Some(sign) });
            sent.map_err(|_| anyhow::anyhow!("the stream has ended"))
        };
        let sent = futures_util::stream::poll_fn(move |cx| sent.poll_recv(cx));
        let mut responses = self.crypto.pipeline(sent).await?.into_inner();
        let (mut begun, mut latencies) = (Vec::new(), Vec::new());
        for id in 0..IN_FLIGHT {
            begun.push(Instant::now());
            send(u64::try_from(id)?)?;
        }
        loop {
            let response = responses.message().await?.context("the stream has ended")?;
            let signed = matches!(response.response, Some(pb::pipeline_response::Response::Sign(_)));
            anyhow::ensure!(signed, "a request of a stream failed");
            let began = begun.get_mut(usize::try_from(response.id)?).context("an unknown response")?;
            let now = Instant::now();
            latencies.push(now - *began);
            if now >= end {
                return Ok(latencies);
            }
            *began = now;
            send(response.id)?;
        }
    }
}

fn sign_request(name: &str, algorithm: &str) -> pb::SignRequest {
    pb::SignRequest { name: name.to_owned(), algorithm: algorithm.to_owned(), digest: DIGEST.to_vec() }
}

/// When to repeat a call that is refused because of overload; `None` for other errors.
fn refusal(error: &anyhow::Error) -> Option<Duration> {
    let status = error.downcast_ref::<Status>().filter(|status| status.code() == Code::ResourceExhausted)?;
    status.get_details_retry_info()?.retry_delay
}

//! The measured service: a simulator, called over TLS.

use std::path::Path;
use std::time::{Duration, Instant};

use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::crypto_service_client::CryptoServiceClient;
use strongroom::api::grpc::pb::key_service_client::KeyServiceClient;
use strongroom::api::grpc::pb::secret_service_client::SecretServiceClient;
use tokio::task::JoinSet;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::WARM_UP;
use crate::measure::{Meter, Sample};
use crate::simulator::{Authorized, Simulator};
use crate::work::{DIGEST, PLAINTEXT, SECRET, Work};

/// A running simulator with a key of each kind, and clients for it.
pub(crate) struct Service {
    simulator: Simulator,
    /// One client per connection.
    clients: Vec<Client>,
}

impl Service {
    /// Starts a simulator with default settings, except for its directory and port, and creates the keys.
    pub(crate) async fn start(program: &Path, connections: usize) -> anyhow::Result<Self> {
        let simulator = Simulator::start(program)?;
        let mut clients = Vec::new();
        for _ in 0..connections.max(1) {
            clients.push(Client::connect(&simulator).await?);
        }
        if let Some(client) = clients.first() {
            client.clone().create_objects().await?;
        }
        Ok(Self { simulator, clients })
    }

    /// Measures one cell.
    pub(crate) async fn measure(&self, work: Work, callers: usize, time: Duration) -> anyhow::Result<Sample> {
        self.run(work, callers, WARM_UP).await?;
        let meter = Meter::start(self.simulator.process());
        Ok(meter.stop(self.run(work, callers, time).await?))
    }

    async fn run(&self, work: Work, callers: usize, time: Duration) -> anyhow::Result<Vec<Duration>> {
        let end = Instant::now() + time;
        let mut running = JoinSet::new();
        for mut client in self.clients.iter().cycle().take(callers).cloned() {
            running.spawn(async move {
                let mut latencies = Vec::new();
                loop {
                    let begun = Instant::now();
                    if begun >= end {
                        return anyhow::Ok(latencies);
                    }
                    client.call(work).await?;
                    latencies.push(begun.elapsed());
                }
            });
        }
        let mut all = Vec::new();
        while let Some(ended) = running.join_next().await {
            all.append(&mut ended??);
        }
        Ok(all)
    }
}

/// Clients on one connection.
#[derive(Clone)]
struct Client {
    health: HealthClient<Channel>,
    keys: KeyServiceClient<Authorized>,
    crypto: CryptoServiceClient<Authorized>,
    secrets: SecretServiceClient<Authorized>,
}

impl Client {
    async fn connect(simulator: &Simulator) -> anyhow::Result<Self> {
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

    async fn create_objects(&mut self) -> anyhow::Result<()> {
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

    async fn call(&mut self, work: Work) -> anyhow::Result<()> {
        match work {
            Work::Empty => drop(self.health.check(HealthCheckRequest::default()).await?),
            Work::Es256 => self.sign("hsms/local/keys/ec", "ES256").await?,
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
        let request = pb::SignRequest {
            name: name.to_owned(),
            algorithm: algorithm.to_owned(),
            digest: DIGEST.to_vec(),
        };
        drop(self.crypto.sign(request).await?);
        Ok(())
    }
}

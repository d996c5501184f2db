//! The measured service: a simulator in a child process, called over TLS.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::crypto_service_client::CryptoServiceClient;
use strongroom::api::grpc::pb::key_service_client::KeyServiceClient;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::WARM_UP;
use crate::measure::{Meter, Sample};
use crate::work::{DIGEST, PLAINTEXT, Work};

/// A running simulator with a key of each kind, and clients for it.
pub(crate) struct Service {
    process: Process,
    /// One client per connection.
    clients: Vec<Client>,
    _directory: TempDir,
}

impl Service {
    /// Starts a simulator with default settings, except for its directory and port, and creates the keys.
    pub(crate) async fn start(program: &Path, connections: usize) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let process = Process::start(program, directory.path())?;
        let token = run(command(program, directory.path()).arg("token"))?;
        let bearer = Bearer(format!("Bearer {}", token.trim()).parse()?);
        let mut clients = Vec::new();
        for _ in 0..connections.max(1) {
            clients.push(Client::connect(directory.path(), &bearer).await?);
        }
        if let Some(client) = clients.first() {
            client.clone().create_keys().await?;
        }
        Ok(Self { process, clients, _directory: directory })
    }

    /// Measures one cell.
    pub(crate) async fn measure(&self, work: Work, callers: usize, time: Duration) -> anyhow::Result<Sample> {
        self.run(work, callers, WARM_UP).await?;
        let meter = Meter::start(self.process.child.id());
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

/// The server process. Killed when dropped.
struct Process {
    child: Child,
    _output: BufReader<ChildStdout>,
}

impl Process {
    fn start(program: &Path, directory: &Path) -> anyhow::Result<Self> {
        let log = directory.join("log");
        let mut child = command(program, directory)
            .args(["serve", "--dev", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log)?)
            .spawn()?;
        let mut output = BufReader::new(child.stdout.take().context("the server has no output")?);
        // The server prints its address once it is ready.
        let mut line = String::new();
        output.read_line(&mut line)?;
        if line.is_empty() {
            let _ = child.wait();
            anyhow::bail!("the server did not start:\n{}", std::fs::read_to_string(log)?);
        }
        Ok(Self { child, _output: output })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(program: &Path, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("STRONGROOM_DATA_DIR", directory.join("data")).env_remove("SOFTHSM2_CONF");
    command
}

fn run(command: &mut Command) -> anyhow::Result<String> {
    let output = command.stderr(Stdio::inherit()).output()?;
    anyhow::ensure!(output.status.success(), "{command:?} failed");
    Ok(String::from_utf8(output.stdout)?)
}

/// Adds the access token to every call.
#[derive(Clone)]
struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, tonic::Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// Clients on one connection.
#[derive(Clone)]
struct Client {
    health: HealthClient<Channel>,
    keys: KeyServiceClient<InterceptedService<Channel, Bearer>>,
    crypto: CryptoServiceClient<InterceptedService<Channel, Bearer>>,
}

impl Client {
    async fn connect(directory: &Path, bearer: &Bearer) -> anyhow::Result<Self> {
        let connection: serde_json::Value =
            serde_json::from_slice(&std::fs::read(directory.join("data/connection.json"))?)?;
        let text =
            |name: &str| connection[name].as_str().with_context(|| format!("connection.json has no {name}"));
        let pem = std::fs::read(text("ca_file")?)?;
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)).domain_name("localhost");
        let endpoint = Channel::from_shared(text("endpoint")?.to_owned())?;
        let channel = endpoint.tls_config(tls)?.tcp_nodelay(true).connect().await?;
        let authorized = InterceptedService::new(channel.clone(), bearer.clone());
        Ok(Self {
            health: HealthClient::new(channel),
            keys: KeyServiceClient::new(authorized.clone()),
            crypto: CryptoServiceClient::new(authorized),
        })
    }

    async fn create_keys(&mut self) -> anyhow::Result<()> {
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

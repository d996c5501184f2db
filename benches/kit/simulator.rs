//! A simulator in a child process, and connections to it over TLS.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::Context as _;
use tempfile::TempDir;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig};

/// The planes for which access tokens are requested, as `strongroom token --plane` names them.
const PLANES: [&str; 2] = ["data", "vault"];

/// How to connect to a simulator.
pub(crate) struct Connection {
    /// The URL of the service.
    pub(crate) endpoint: String,
    /// The certificate authority, PEM.
    pub(crate) ca: Vec<u8>,
}

/// A running simulator. Killed when dropped.
pub(crate) struct Simulator {
    child: Child,
    bearers: HashMap<&'static str, Bearer>,
    _output: BufReader<ChildStdout>,
    directory: TempDir,
}

impl Simulator {
    /// Starts a simulator with these settings, as environment variables, and default ones, except for its directory and port.
    /// Requests access tokens.
    pub(crate) fn start(program: &Path, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::start_in(tempfile::tempdir()?, program, settings)
    }

    /// Starts a simulator with its data directory in this directory.
    pub(crate) fn start_in(
        directory: TempDir,
        program: &Path,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let log = directory.path().join("log");
        let mut child = command(program, directory.path())
            .envs(settings.iter().copied())
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
        let bearer = |plane: &'static str| {
            let token = run(command(program, directory.path()).args(["token", "--plane", plane]))?;
            Ok((plane, Bearer(format!("Bearer {}", token.trim()).parse()?)))
        };
        match PLANES.into_iter().map(bearer).collect() {
            Ok(bearers) => Ok(Self { child, bearers, _output: output, directory }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// The identifier of the process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Returns how to connect.
    pub(crate) fn connection(&self) -> anyhow::Result<Connection> {
        let connection: serde_json::Value =
            serde_json::from_slice(&std::fs::read(self.data().join("connection.json"))?)?;
        let text =
            |name: &str| connection[name].as_str().with_context(|| format!("connection.json has no {name}"));
        Ok(Connection { endpoint: text("endpoint")?.to_owned(), ca: std::fs::read(text("ca_file")?)? })
    }

    /// Opens a connection.
    pub(crate) async fn connect(&self) -> anyhow::Result<Channel> {
        let Connection { endpoint, ca } = self.connection()?;
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(ca)).domain_name("localhost");
        let endpoint = Channel::from_shared(endpoint)?;
        Ok(endpoint.tls_config(tls)?.tcp_nodelay(true).connect().await?)
    }

    /// Adds the access token for a plane, `data` or `vault`, to every call of a connection.
    ///
    /// # Panics
    ///
    /// If there is no such plane.
    pub(crate) fn authorize(&self, plane: &str, channel: Channel) -> Authorized {
        InterceptedService::new(channel, self.bearer(plane))
    }

    /// Returns the access token for a plane.
    ///
    /// # Panics
    ///
    /// If there is no such plane.
    pub(crate) fn bearer(&self, plane: &str) -> Bearer {
        self.bearers[plane].clone()
    }
}

impl Drop for Simulator {
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

/// A connection whose calls have an access token.
pub(crate) type Authorized = InterceptedService<Channel, Bearer>;

/// Adds the access token to a call.
#[derive(Clone)]
pub(crate) struct Bearer(pub(crate) MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, tonic::Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

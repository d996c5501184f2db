//! Direct use of the token, in a child process: SoftHSM reads the environment when it is loaded, and processor time is
//! measured per process.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::ValueEnum as _;
use cryptoki::context::Pkcs11;
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki::session::Session;
use cryptoki::slot::Slot;
use strongroom::token::softhsm::Directory;
use tempfile::TempDir;

use crate::WARM_UP;
use crate::measure::{Meter, Sample};
use crate::softhsm::{NewToken, P256};
use crate::work::{DIGEST, KeyObject, PLAINTEXT, SECRET, Work};

/// A handle to the child process that uses the token.
pub(crate) struct Raw {
    /// The PKCS#11 library's description and version.
    pub(crate) description: String,
    child: Child,
    requests: ChildStdin,
    replies: BufReader<ChildStdout>,
    _directory: TempDir,
}

impl Raw {
    /// Starts the process and waits until it has generated its keys.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let (name, value) = Directory::prepare(directory.path())?.environment();
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--token")
            .arg(directory.path())
            .env(name, value)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let requests = child.stdin.take().context("the child process has no standard input")?;
        let replies =
            BufReader::new(child.stdout.take().context("the child process has no standard output")?);
        let mut raw = Self { description: String::new(), child, requests, replies, _directory: directory };
        raw.description = raw.read_reply()?;
        Ok(raw)
    }

    /// Measures one cell in the child process.
    pub(crate) fn measure(
        &mut self,
        work: Work,
        object: KeyObject,
        callers: usize,
        time: Duration,
    ) -> anyhow::Result<Sample> {
        let request = serde_json::to_string(&(name(work), name(object), callers, time))?;
        writeln!(self.requests, "{request}")?;
        Ok(serde_json::from_str(&self.read_reply()?)?)
    }

    fn read_reply(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.replies.read_line(&mut line)?;
        anyhow::ensure!(line.ends_with('\n'), "the process that uses the token ended; its error is above");
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn name(value: impl clap::ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Runs in the child process: measures the requested cells until standard input is closed.
pub(crate) fn serve(directory: &Path) -> anyhow::Result<()> {
    let (token, _session) =
        Token::create().with_context(|| format!("creating a token in {}", directory.display()))?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", token.description)?;
    for request in std::io::stdin().lock().lines() {
        let (work, object, callers, time): (String, String, usize, Duration) =
            serde_json::from_str(&request?)?;
        let (Ok(work), Ok(object)) = (Work::from_str(&work, false), KeyObject::from_str(&object, false))
        else {
            anyhow::bail!("unknown operation {work} or object {object}");
        };
        token.run(work, object, callers, WARM_UP)?;
        let sample = token.run(work, object, callers, time)?;
        writeln!(out, "{}", serde_json::to_string(&sample)?)?;
    }
    Ok(())
}

/// A SoftHSM token with a key of each kind.
struct Token {
    pkcs11: Pkcs11,
    slot: Slot,
    description: String,
    ec: Key,
    rsa: Key,
    aes: Key,
    ec_public: ObjectHandle,
    /// The initialization vector and the ciphertext of a secret.
    sealed: (Vec<u8>, Vec<u8>),
}

struct Key {
    token: ObjectHandle,
    copy: ObjectHandle,
}

impl Token {
    /// Initializes the token and generates its keys. The returned session holds the login and the session objects.
    fn create() -> anyhow::Result<(Self, Session)> {
        let token = NewToken::initialize()?;
        let description = token.description()?;
        let NewToken { pkcs11, slot, session } = token;

        let secret = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
        ];
        let sign = [&secret[..], &[Attribute::Sign(true)]].concat();
        let with = |attributes: &[Attribute]| [&[Attribute::Token(true)], attributes].concat();
        let (ec_public, ec) = session.generate_key_pair(
            &Mechanism::EccKeyPairGen,
            &with(&[Attribute::EcParams(P256.to_vec())]),
            &sign,
        )?;
        let (_, rsa) = session.generate_key_pair(
            &Mechanism::RsaPkcsKeyPairGen,
            &with(&[Attribute::ModulusBits(2048.into()), Attribute::PublicExponent(vec![1, 0, 1])]),
            &sign,
        )?;
        let aes = [&secret[..], &[Attribute::Encrypt(true), Attribute::ValueLen(32.into())]].concat();
        let aes = session.generate_key(&Mechanism::AesKeyGen, &aes)?;
        let key = |token| -> anyhow::Result<Key> {
            Ok(Key { token, copy: session.copy_object(token, &[Attribute::Token(false)])? })
        };
        let (ec, rsa, aes) = (key(ec)?, key(rsa)?, key(aes)?);
        let mut iv = session.generate_random_vec(12)?;
        let parameters = GcmParams::new(&mut iv, &[], 128.into())?;
        let sealed = session.encrypt(&Mechanism::AesGcm(parameters), aes.copy, SECRET.as_bytes())?;
        let sealed = (iv, sealed);
        Ok((Self { pkcs11, slot, description, ec, rsa, aes, ec_public, sealed }, session))
    }

    /// Runs `callers` threads for `time`, each with its own session and known object handles.
    fn run(&self, work: Work, object: KeyObject, callers: usize, time: Duration) -> anyhow::Result<Sample> {
        let sessions = (0..callers).map(|_| self.pkcs11.open_rw_session(self.slot));
        let sessions = sessions.collect::<Result<Vec<_>, _>>()?;
        let start = Barrier::new(callers + 1);
        std::thread::scope(|scope| {
            let call = |session: Session| -> anyhow::Result<Vec<Duration>> {
                start.wait();
                let end = Instant::now() + time;
                let mut latencies = Vec::new();
                loop {
                    let begun = Instant::now();
                    if begun >= end {
                        return Ok(latencies);
                    }
                    self.call(&session, work, object)?;
                    latencies.push(begun.elapsed());
                }
            };
            let threads: Vec<_> =
                sessions.into_iter().map(|session| scope.spawn(move || call(session))).collect();
            let meter = Meter::start(vec![std::process::id()]);
            start.wait();
            let mut all = Vec::new();
            for thread in threads {
                let latencies = thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?;
                all.append(&mut latencies?);
            }
            Ok(meter.stop(all))
        })
    }

    fn call(&self, session: &Session, work: Work, object: KeyObject) -> anyhow::Result<()> {
        let handle = |key: &Key| match object {
            KeyObject::Token => key.token,
            KeyObject::Copy => key.copy,
        };
        match work {
            Work::Empty => anyhow::bail!("the token has no empty call"),
            Work::Es256 | Work::Es256Batch | Work::Es256Stream => {
                drop(session.sign(&Mechanism::Ecdsa, handle(&self.ec), &DIGEST)?)
            }
            Work::Rs256 => {
                // The DigestInfo prefix of SHA-256: RFC 8017, section 9.2, note 1.
                const PREFIX: [u8; 19] =
                    *b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
                let data = [&PREFIX[..], &DIGEST].concat();
                drop(session.sign(&Mechanism::RsaPkcs, handle(&self.rsa), &data)?);
            }
            Work::A256gcm => {
                let mut iv = session.generate_random_vec(12)?;
                let parameters = GcmParams::new(&mut iv, &[], 128.into())?;
                drop(session.encrypt(&Mechanism::AesGcm(parameters), handle(&self.aes), &PLAINTEXT)?);
            }
            Work::GetKey => {
                let wanted = [AttributeType::EcParams, AttributeType::EcPoint];
                drop(session.get_attributes(self.ec_public, &wanted)?);
            }
            Work::GetSecret => {
                let (iv, sealed) = &self.sealed;
                let mut iv = iv.clone();
                let parameters = GcmParams::new(&mut iv, &[], 128.into())?;
                drop(session.decrypt(&Mechanism::AesGcm(parameters), handle(&self.aes), sealed)?);
            }
        }
        Ok(())
    }
}

//! Direct use of the token, in a child process: SoftHSM reads the environment when it is loaded.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use serde::{Deserialize, Serialize};
use strongroom::token::softhsm::Directory;

use crate::softhsm::{NewToken, P256};

/// What the token needs for as many keys.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Measurement {
    /// The PKCS#11 library's description and version.
    pub(crate) description: String,
    /// The time in which one thread wraps all keys.
    pub(crate) wrap: Duration,
    /// The time in which one thread unwraps all keys into token objects.
    pub(crate) unwrap: Duration,
}

/// Measures in a child process.
pub(crate) fn run(keys: u32) -> anyhow::Result<Measurement> {
    let directory = tempfile::tempdir()?;
    let (name, value) = Directory::prepare(directory.path())?.environment();
    let output = Command::new(std::env::current_exe()?)
        .args(["--token", "--keys", &keys.to_string()])
        .env(name, value)
        .stderr(Stdio::inherit())
        .output()?;
    anyhow::ensure!(output.status.success(), "the process that uses the token failed");
    serde_json::from_slice(&output.stdout).context("parsing the measurement of the token")
}

/// Runs in the child process: unwraps one key as often as there are keys, then wraps each of them.
pub(crate) fn measure(keys: u32) -> anyhow::Result<()> {
    let token = NewToken::initialize()?;
    let description = token.description()?;
    let NewToken { pkcs11, slot, session } = token;
    // RFC 5649, as the service.
    let mechanism = Mechanism::AesKeyWrapPad;
    let mechanisms = pkcs11.get_mechanism_list(slot)?;
    anyhow::ensure!(mechanisms.contains(&MechanismType::AES_KEY_WRAP_PAD), "{description} cannot wrap keys");
    let secret = [Attribute::Token(true), Attribute::Private(true), Attribute::Sensitive(true)];
    let with = |attributes: &[Attribute]| [&secret[..], attributes].concat();
    let wrapping = [Attribute::Wrap(true), Attribute::Unwrap(true), Attribute::ValueLen(32.into())];
    let wrapper = session.generate_key(&Mechanism::AesKeyGen, &with(&wrapping))?;
    let private = with(&[Attribute::Sign(true), Attribute::Extractable(true)]);
    let public = [Attribute::EcParams(P256.to_vec())];
    let (_, key) = session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private)?;
    let wrapped = session.wrap_key(&mechanism, wrapper, key)?;
    let class = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::KeyType(KeyType::EC)];
    let template = [&class[..], &private].concat();

    let started = Instant::now();
    let unwrapped = (0..keys).map(|_| session.unwrap_key(&mechanism, wrapper, &wrapped, &template));
    let unwrapped = unwrapped.collect::<Result<Vec<_>, _>>()?;
    let unwrap = started.elapsed();
    let started = Instant::now();
    for key in unwrapped {
        session.wrap_key(&mechanism, wrapper, key)?;
    }
    let measurement = Measurement { description, wrap: started.elapsed(), unwrap };
    writeln!(std::io::stdout().lock(), "{}", serde_json::to_string(&measurement)?)?;
    Ok(())
}

//! A SoftHSM token for a test, and independent implementations to verify its results.

use std::time::Duration;

use rsa::BigUint;
use secrecy::SecretString;
use sha2::Digest as _;
use strongroom::model::algorithm::{Hash, SignatureAlgorithm};
use strongroom::model::import::ImportMaterial;
use strongroom::model::key::{Curve, KeySpec, KeyType, PublicMaterial};
use strongroom::model::name::VersionId;
use strongroom::model::wrapped_key::BackupPolicy;
use strongroom::token::softhsm::Directory;
use strongroom::token::{
    Confinement, Files, Module, ModuleProcesses, Profile, Selector, Settings, Token, TokenInfo,
    WorkerProgram, softhsm_path,
};

/// The policy of a service with the default configuration.
pub(crate) const WRAPPABLE: BackupPolicy = BackupPolicy::Wrappable;

/// A module with one provisioned token in a temporary directory.
pub(crate) struct Bench {
    pub(crate) directory: Directory,
    pub(crate) module: LoadedModule,
    pub(crate) info: TokenInfo,
    pub(crate) data_dir: tempfile::TempDir,
}

/// A module that is finalized on drop, once the workers of dropped tokens have ended: a process that exits while a
/// worker is in the module may crash.
pub(crate) struct LoadedModule(pub(crate) Module);

impl std::ops::Deref for LoadedModule {
    type Target = Module;

    fn deref(&self) -> &Module {
        &self.0
    }
}

impl Drop for LoadedModule {
    fn drop(&mut self) {
        for _ in 0..1000 {
            match self.0.clone().finalize() {
                Err(strongroom::model::Error::Internal(_)) => {}
                _ => return,
            }
            #[expect(clippy::disallowed_methods, reason = "threads end in real time")]
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with_profile(|_| {})
    }

    /// Loads the module with a modified profile.
    pub(crate) fn with_profile(change: impl FnOnce(&mut Profile)) -> Self {
        let home = crate::directory::in_memory();
        let directory = Directory::prepare(home.path()).unwrap();
        set_environment(&directory);
        let mut profile = Profile::named("softhsm").unwrap();
        change(&mut profile);
        let module = load(&directory, profile);
        let info = module.provision("bench", &so_pin(), &pin()).unwrap();
        Self { directory, module: LoadedModule(module), info, data_dir: home }
    }

    pub(crate) fn open(&self) -> Token {
        self.open_with(&Settings::default())
    }

    pub(crate) fn open_with(&self, settings: &Settings) -> Token {
        self.module.open(&Selector::Serial(self.info.serial.clone()), &pin(), settings).unwrap()
    }

    /// Drains the token, finalizes the module and loads it again, as a restart of the server does.
    pub(crate) async fn restart(self, token: Token) -> Self {
        self.restart_with(token, |_| {}).await
    }

    /// Restarts with a modified profile.
    pub(crate) async fn restart_with(self, token: Token, change: impl FnOnce(&mut Profile)) -> Self {
        let mut profile = Profile::named("softhsm").unwrap();
        change(&mut profile);
        assert!(token.drain(Duration::from_secs(10)).await);
        let Self { directory, module, info, data_dir: home } = self;
        module.clone().finalize().unwrap();
        let module = LoadedModule(load(&directory, profile));
        Self { directory, module, info, data_dir: home }
    }
}

/// Loads SoftHSM: into this process, or into worker processes of the program.
pub(crate) fn load(directory: &Directory, profile: Profile) -> Module {
    if !crate::PROCESSES {
        return Module::load_softhsm(directory, None, profile).unwrap();
    }
    directory.wait_for_workers(Duration::from_secs(10)).unwrap();
    let module = softhsm_path(None, &profile).unwrap();
    let program = WorkerProgram {
        program: env!("CARGO_BIN_EXE_strongroom").into(),
        arguments: vec!["token-worker".into()],
        withheld: vec!["STRONGROOM_TEST_WITHHELD".into()],
    };
    let read = vec![module.parent().unwrap().to_path_buf(), directory.root().to_path_buf()];
    let files = Some(Files { read, write: vec![directory.tokens()] });
    let confinement = Confinement { network: false, files };
    let directory = Some(directory.clone());
    Module::in_processes(ModuleProcesses { program, module, profile, directory, confinement })
}

/// Sets the environment variable that SoftHSM reads when it is loaded.
pub(crate) fn set_environment(directory: &Directory) {
    let (name, value) = directory.environment();
    #[expect(unsafe_code, reason = "no other thread of this test process reads the environment yet")]
    // SAFETY: called first in a test with its own process, before any other thread is started.
    unsafe {
        std::env::set_var(name, value);
    }
}

pub(crate) fn pin() -> SecretString {
    SecretString::from("1234-user")
}

pub(crate) fn so_pin() -> SecretString {
    SecretString::from("5678-officer")
}

/// A readable version identifier.
pub(crate) fn id(number: u128) -> VersionId {
    VersionId::from_bytes(number.to_be_bytes())
}

pub(crate) fn spec(key_type: KeyType) -> KeySpec {
    KeySpec { key_type, public_exponent: 65537 }
}

pub(crate) fn rsa(bits: u16) -> KeyType {
    KeyType::Rsa { bits }
}

pub(crate) fn ec(curve: Curve) -> KeyType {
    KeyType::Ec { curve }
}

pub(crate) fn oct(bits: u16) -> KeyType {
    KeyType::Oct { bits }
}

pub(crate) fn digest(hash: Option<Hash>, message: &[u8]) -> Vec<u8> {
    match hash {
        Some(Hash::Sha1) => sha1::Sha1::digest(message).to_vec(),
        Some(Hash::Sha256) => sha2::Sha256::digest(message).to_vec(),
        Some(Hash::Sha384) => sha2::Sha384::digest(message).to_vec(),
        Some(Hash::Sha512) => sha2::Sha512::digest(message).to_vec(),
        None => message.to_vec(),
    }
}

/// Whether a signature of `message` verifies with AWS-LC (RSA) or RustCrypto (EC).
pub(crate) fn verifies(
    public: &PublicMaterial,
    algorithm: SignatureAlgorithm,
    message: &[u8],
    signature: &[u8],
) -> bool {
    use aws_lc_rs::signature as lc;
    match public {
        PublicMaterial::Rsa { n, e } => {
            let parameters = match algorithm {
                SignatureAlgorithm::Rs256 => &lc::RSA_PKCS1_2048_8192_SHA256,
                SignatureAlgorithm::Rs384 => &lc::RSA_PKCS1_2048_8192_SHA384,
                SignatureAlgorithm::Rs512 => &lc::RSA_PKCS1_2048_8192_SHA512,
                SignatureAlgorithm::Ps256 => &lc::RSA_PSS_2048_8192_SHA256,
                SignatureAlgorithm::Ps384 => &lc::RSA_PSS_2048_8192_SHA384,
                SignatureAlgorithm::Ps512 => &lc::RSA_PSS_2048_8192_SHA512,
                _ => return false,
            };
            lc::RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
        }
        PublicMaterial::Ec { crv, x, y } => {
            let point = [&[4], x.as_slice(), y].concat();
            let digest = digest(algorithm.hash(), message);
            verifies_on(*crv, &point, &digest, signature)
        }
        PublicMaterial::Oct { .. } => false,
    }
}

fn verifies_on(curve: Curve, point: &[u8], digest: &[u8], signature: &[u8]) -> bool {
    macro_rules! verify {
        ($curve:ident) => {{
            use $curve::ecdsa::signature::hazmat::PrehashVerifier as _;
            let key = $curve::ecdsa::VerifyingKey::from_sec1_bytes(point).unwrap();
            let Ok(signature) = $curve::ecdsa::Signature::from_slice(signature) else { return false };
            key.verify_prehash(digest, &signature).is_ok()
        }};
    }
    match curve {
        Curve::P256 => verify!(p256),
        Curve::P256K => verify!(k256),
        Curve::P384 => verify!(p384),
        Curve::P521 => verify!(p521),
    }
}

/// An RSA key generated in software.
pub(crate) fn software_rsa(bits: usize) -> (rsa::RsaPrivateKey, ImportMaterial) {
    use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
    let key = rsa::RsaPrivateKey::new(&mut rand::thread_rng(), bits).unwrap();
    let bytes = BigUint::to_bytes_be;
    let (p, q) = (&key.primes()[0], &key.primes()[1]);
    let qi = key.crt_coefficient().unwrap();
    let material = ImportMaterial::Rsa {
        n: bytes(key.n()),
        e: bytes(key.e()),
        d: bytes(key.d()),
        p: bytes(p),
        q: bytes(q),
        dp: bytes(key.dp().unwrap()),
        dq: bytes(key.dq().unwrap()),
        qi: bytes(&qi),
    };
    (key, material)
}

/// Converts public key material to RustCrypto's type.
pub(crate) fn software_public(public: &PublicMaterial) -> rsa::RsaPublicKey {
    let PublicMaterial::Rsa { n, e } = public else { panic!("not an RSA key") };
    rsa::RsaPublicKey::new(BigUint::from_bytes_be(n), BigUint::from_bytes_be(e)).unwrap()
}

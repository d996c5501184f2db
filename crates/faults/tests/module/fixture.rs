//! SoftHSM with two tokens in a temporary directory, behind the module.

use std::path::{Path, PathBuf};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;

/// The usual paths of SoftHSM.
const SOFTHSM: [&str; 6] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];

/// The module, initialized, with the tokens `north` and `south`.
pub(crate) struct Bench {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) module: Pkcs11,
}

/// The path of SoftHSM.
pub(crate) fn softhsm() -> PathBuf {
    SOFTHSM.iter().map(PathBuf::from).find(|path| path.exists()).unwrap()
}

/// The path of this module: Cargo builds it beside the tests.
pub(crate) fn faults() -> PathBuf {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    let name = format!("{DLL_PREFIX}strongroom_faults{DLL_SUFFIX}");
    std::env::current_exe().unwrap().parent().unwrap().join(name)
}

pub(crate) fn pin() -> AuthPin {
    AuthPin::from("1234")
}

/// Prepares an empty directory of tokens, and points this process to it, without initializing the module.
pub(crate) fn prepare() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("tokens")).unwrap();
    let configuration = directory.path().join("softhsm2.conf");
    let text = format!("directories.tokendir = {}/tokens\nlog.level = ERROR\n", directory.path().display());
    std::fs::write(&configuration, text).unwrap();
    for (name, value) in [
        ("SOFTHSM2_CONF", configuration),
        ("STRONGROOM_FAULTS_MODULE", softhsm()),
        ("STRONGROOM_FAULTS_CONTROL", directory.path().join("faults.toml")),
        ("STRONGROOM_FAULTS_LOG", directory.path().join("faults.log")),
    ] {
        #[expect(unsafe_code, reason = "no other thread of this test process reads the environment yet")]
        // SAFETY: nextest starts a process for each test, which has no other threads yet.
        unsafe {
            std::env::set_var(name, value);
        }
    }
    directory
}

impl Bench {
    pub(crate) fn new() -> Self {
        let directory = prepare();
        let module = Pkcs11::new(faults()).unwrap();
        module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
        let bench = Self { directory, module };
        for label in ["north", "south"] {
            let slot = *bench.module.get_slots_with_token().unwrap().last().unwrap();
            bench.module.init_token(slot, &pin(), label).unwrap();
            let session = bench.module.open_rw_session(bench.slot(label)).unwrap();
            session.login(UserType::So, Some(&pin())).unwrap();
            session.init_pin(&pin()).unwrap();
        }
        bench
    }

    /// The slot of the token with a label.
    pub(crate) fn slot(&self, label: &str) -> Slot {
        let slots = self.module.get_slots_with_token().unwrap();
        let is_wanted = |slot: &Slot| self.module.get_token_info(*slot).unwrap().label() == label;
        slots.into_iter().find(is_wanted).unwrap()
    }

    /// A session that is logged in.
    pub(crate) fn session(&self, label: &str) -> Session {
        let session = self.module.open_rw_session(self.slot(label)).unwrap();
        session.login(UserType::User, Some(&pin())).unwrap();
        session
    }

    /// Another session with a token, which has a login.
    pub(crate) fn session_again(&self, label: &str) -> Session {
        self.module.open_rw_session(self.slot(label)).unwrap()
    }

    /// Replaces the control file.
    pub(crate) fn order(&self, rules: &str) {
        order(self.directory.path(), rules);
    }

    /// The lines of the log without their time.
    pub(crate) fn log(&self) -> Vec<String> {
        log(self.directory.path())
    }
}

/// Replaces the control file in a directory, as the documentation asks for.
pub(crate) fn order(directory: &Path, rules: &str) {
    let new = directory.join("faults.toml.new");
    std::fs::write(&new, rules).unwrap();
    std::fs::rename(new, directory.join("faults.toml")).unwrap();
}

/// The lines of the log in a directory, without the time.
pub(crate) fn log(directory: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(directory.join("faults.log")).unwrap_or_default();
    text.lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
}

/// Generates an AES key in the token.
pub(crate) fn generate(session: &Session) -> Result<ObjectHandle, Error> {
    let template = [
        Attribute::Token(true),
        Attribute::ValueLen(32.into()),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        Attribute::Label(b"key".to_vec()),
    ];
    session.generate_key(&Mechanism::AesKeyGen, &template)
}

/// The number of keys in the token.
pub(crate) fn keys(session: &Session) -> usize {
    session.find_objects(&[Attribute::Label(b"key".to_vec())]).unwrap().len()
}

/// The code of a call that failed.
#[track_caller]
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> RvError {
    match result.unwrap_err() {
        Error::Pkcs11(code, _) => code,
        error => panic!("{error}"),
    }
}

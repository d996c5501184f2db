//! A new SoftHSM token, used directly through `cryptoki`.

use anyhow::Context as _;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use secrecy::SecretString;
use strongroom::token::Profile;

/// An initialized token, with a session that holds the login.
pub(crate) struct NewToken {
    pub(crate) pkcs11: Pkcs11,
    pub(crate) slot: Slot,
    pub(crate) session: Session,
}

/// DER of the object identifier of P-256 (RFC 5480).
pub(crate) const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

impl NewToken {
    /// Initializes a token in the directory that SoftHSM's environment variable names.
    pub(crate) fn initialize() -> anyhow::Result<Self> {
        let module = Profile::named("softhsm")?.find_module().context("SoftHSM is not installed")?;
        let pkcs11 = Pkcs11::new(module)?;
        pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
        let pin = SecretString::from("not a secret");
        let slot = *pkcs11.get_slots_with_token()?.first().context("SoftHSM has no slot")?;
        pkcs11.init_token(slot, &pin, "bench")?;
        // SoftHSM renumbers its slots after initialization.
        let slot = *pkcs11
            .get_slots_with_initialized_token()?
            .first()
            .context("the initialized token is missing")?;
        let session = pkcs11.open_rw_session(slot)?;
        session.login(UserType::So, Some(&pin))?;
        session.init_pin(&pin)?;
        session.logout()?;
        session.login(UserType::User, Some(&pin))?;
        Ok(Self { pkcs11, slot, session })
    }

    /// The PKCS#11 library's description and version.
    pub(crate) fn description(&self) -> anyhow::Result<String> {
        let info = self.pkcs11.get_library_info()?;
        Ok(format!("{} {}", info.library_description().trim(), info.library_version()))
    }
}

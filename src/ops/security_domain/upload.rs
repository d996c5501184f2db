//! Uploads the security domain of another HSM.

use super::{DomainSecrets, SecurityDomainStatus, install, invalid, is_supported, unsupported};
use crate::model::algorithm::{Cipher, Hash, RsaPadding};
use crate::model::audit_entry::Meter;
use crate::model::change::{Change, IntentVerb};
use crate::model::hsm::{Activation, ManagedHsm};
use crate::model::local_rbac::DataAction;
use crate::model::name::HsmName;
use crate::model::{Error, Field, Result};
use crate::ops::hsms::{HsmInAnyState, current_hsm};
use crate::ops::{Cx, Done, Operation};
use crate::security_domain::{self, Certificate, Upload};
use zeroize::Zeroizing;

/// Uploads the security domain of another HSM into one that is not activated, and activates it. The domain is encrypted
/// for the transfer key of this HSM, which is destroyed
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/disaster-recovery-guide>).
#[derive(Clone, Debug)]
pub struct UploadSecurityDomain {
    /// The HSM.
    pub hsm: HsmName,
    /// The security domain, encrypted for the transfer key.
    pub upload: Upload,
}

impl Operation for UploadSecurityDomain {
    const NAME: &'static str = "UploadSecurityDomain";
    const EVENT: &'static str = "SecurityDomainUpload";
    const ACTION: DataAction = DataAction::SecurityDomainUpload;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    const REQUIRES_ACTIVATION: bool = false;
    type Target = HsmInAnyState;
    type Reply = SecurityDomainStatus;

    fn target(&self) -> HsmName {
        self.hsm.clone()
    }

    async fn execute(self, _: HsmInAnyState, cx: &Cx) -> Result<Done<SecurityDomainStatus>> {
        let hsm = current_hsm(cx)?;
        if hsm.activation == Activation::Active || hsm.security_domain.is_some() {
            return Err(Error::HsmAlreadyActivated { hsm: hsm.name.clone() });
        }
        if !is_supported(cx.token()?) {
            return Err(unsupported());
        }
        let wrong_recipient = || {
            let why = "the security domain is not encrypted for the transfer key of this HSM";
            Error::invalid(Field::RestoreBlob, why)
        };
        let transfer_key = hsm.transfer_key.clone().ok_or_else(wrong_recipient)?;
        let certificate = Certificate::from_der(&transfer_key.certificate).map_err(Error::internal)?;
        if self.upload.recipient() != certificate.thumbprint() {
            return Err(wrong_recipient());
        }
        let cipher = Cipher::Rsa(RsaPadding::Oaep(Hash::Sha256));
        let encrypted = self.upload.encrypted_key().to_vec();
        let none = Vec::new;
        let key = cx.token()?.decrypt(transfer_key.object, cipher, encrypted, none(), none(), none()).await;
        let key: Zeroizing<Vec<u8>> = key.map_err(|error| match error {
            Error::DecryptionFailed => invalid(security_domain::Error::WrappedKeyNotDecrypted),
            other => other,
        })?;
        let opened = self.upload.open::<security_domain::Error>(|_| Ok(key)).map_err(invalid)?;
        let secrets = DomainSecrets::from_data(&opened.data).ok_or_else(|| {
            Error::invalid(Field::RestoreBlob, "the security domain is not one that Strongroom has made")
        })?;
        let objects = [cx.ids.version(), cx.ids.version()];
        cx.declare_intent(IntentVerb::Create, objects.to_vec()).await?;
        let domain = install(&secrets, cx.token()?, hsm.id, objects).await?;
        cx.declare_intent(IntentVerb::Destroy, vec![transfer_key.object]).await?;
        cx.token()?.destroy(&[transfer_key.object]).await?;
        let active = ManagedHsm {
            activation: Activation::Active,
            security_domain: Some(domain),
            transfer_key: None,
            ..hsm.as_ref().clone()
        };
        Ok(Done::with(SecurityDomainStatus::Success, [Change::ReplaceHsm(active)]))
    }
}

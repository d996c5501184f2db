//! Returns the transfer key, for which the security domain of another HSM is encrypted.

use jiff::ToSpan as _;
use pkcs8::der::Encode as _;
use pkcs8::der::asn1::UintRef;
use rcgen::{
    CertificateParams, DnType, KeyUsagePurpose, PublicKeyData, SignatureAlgorithm as CertificateAlgorithm,
};
use sha2::{Digest as _, Sha256};

use super::{is_supported, unsupported};
use crate::model::algorithm::SignatureAlgorithm;
use crate::model::audit_entry::Meter;
use crate::model::change::{Change, IntentVerb};
use crate::model::hsm::{Activation, ManagedHsm};
use crate::model::key::{KeySpec, KeyType, PublicMaterial};
use crate::model::local_rbac::DataAction;
use crate::model::name::{HsmName, VersionId};
use crate::model::security_domain::TransferKey;
use crate::model::wrapped_key::BackupPolicy;
use crate::model::{Error, Result, Timestamp};
use crate::ops::hsms::{HsmInAnyState, current_hsm};
use crate::ops::{Cx, Done, Operation};
use crate::security_domain::{self, Certificate};
use crate::token::Token;

/// The type of the key, as recorded from Azure.
const SPEC: KeySpec = KeySpec { key_type: KeyType::Rsa { bits: 4096 }, public_exponent: 65537 };

/// For how many days the certificate is valid.
const VALID_DAYS: i64 = 365;

/// Returns the certificate of the transfer key. The key is generated in the token at the first call, and is used for one
/// upload (<https://learn.microsoft.com/rest/api/keyvault/securitydomain/transfer-key/transfer-key>).
#[derive(Clone, Debug)]
pub struct GetTransferKey {
    /// The HSM.
    pub hsm: HsmName,
}

impl Operation for GetTransferKey {
    const NAME: &'static str = "GetTransferKey";
    const EVENT: &'static str = "SecurityDomainTransferKeyGet";
    const ACTION: DataAction = DataAction::SecurityDomainTransferKeyRead;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    const REQUIRES_ACTIVATION: bool = false;
    type Target = HsmInAnyState;
    type Reply = security_domain::TransferKey;

    fn target(&self) -> HsmName {
        self.hsm.clone()
    }

    async fn execute(self, _: HsmInAnyState, cx: &Cx) -> Result<Done<security_domain::TransferKey>> {
        let hsm = current_hsm(cx)?;
        // assumption: the service's response is not recorded.
        if hsm.activation == Activation::Active {
            return Err(Error::HsmAlreadyActivated { hsm: hsm.name.clone() });
        }
        if !is_supported(cx.token()?) {
            return Err(unsupported());
        }
        // An interrupted upload may have destroyed the key.
        let token = cx.token()?;
        let usable = |key: &&TransferKey| key.expires > cx.now && token.has_cached_handle(key.object);
        if let Some(key) = hsm.transfer_key.as_ref().filter(usable) {
            return Ok(Done::reply(reply(&key.certificate)?));
        }
        if let Some(old) = &hsm.transfer_key {
            cx.declare_intent(IntentVerb::Destroy, vec![old.object]).await?;
            cx.token()?.destroy(&[old.object]).await?;
        }
        let object = cx.ids.version();
        cx.declare_intent(IntentVerb::Create, vec![object]).await?;
        let public = cx.token()?.generate(object, &SPEC, BackupPolicy::Never).await?;
        let expires = cx.now.checked_add((24 * VALID_DAYS).hours()).map_err(Error::internal)?;
        let certificate = certify(&hsm.name, (object, public), cx, expires).await?;
        let reply = reply(&certificate)?;
        let transfer_key = Some(TransferKey { object, certificate, expires });
        let changed = ManagedHsm { transfer_key, ..hsm.as_ref().clone() };
        Ok(Done::with(reply, [Change::ReplaceHsm(changed)]))
    }
}

fn reply(certificate: &[u8]) -> Result<security_domain::TransferKey> {
    Certificate::from_der(certificate).map(security_domain::TransferKey::new).map_err(Error::internal)
}

/// Makes the certificate, which the key in the token signs.
async fn certify(
    hsm: &HsmName,
    (object, public): (VersionId, PublicMaterial),
    cx: &Cx,
    expires: Timestamp,
) -> Result<Vec<u8>> {
    let PublicMaterial::Rsa { n, e } = public else {
        return Err(Error::internal("the transfer key is not an RSA key"));
    };
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, format!("{hsm}.managedhsm.azure.net"));
    params.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
    let date = |at: Timestamp| {
        let at = at.to_zoned(jiff::tz::TimeZone::UTC);
        let part = |number: i8| u8::try_from(number).unwrap_or(1);
        rcgen::date_time_ymd(at.year().into(), part(at.month()), part(at.day()))
    };
    params.not_before = date(cx.now);
    params.not_after = date(expires);
    let key = TransferSigner { token: cx.token()?.clone(), object, public: rsa_public_key(&n, &e)? };
    // The library signs synchronously, and the token does not.
    let signed = tokio::task::spawn_blocking(move || params.self_signed(&key));
    let certificate = signed.await.map_err(Error::internal)?.map_err(Error::internal)?;
    Ok(certificate.der().to_vec())
}

/// Signs the certificate with the key in the token.
struct TransferSigner {
    token: Token,
    object: VersionId,
    /// `RSAPublicKey` in DER.
    public: Vec<u8>,
}

impl PublicKeyData for TransferSigner {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static CertificateAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

impl rcgen::SigningKey for TransferSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let digest = Sha256::digest(message).to_vec();
        let signed = self.token.sign(self.object, SPEC.key_type, SignatureAlgorithm::Rs256, digest);
        tokio::runtime::Handle::current().block_on(signed).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

/// Encodes a public key as `RSAPublicKey` (RFC 8017, appendix A.1.1).
fn rsa_public_key(modulus: &[u8], exponent: &[u8]) -> Result<Vec<u8>> {
    let numbers = [modulus, exponent].map(|number| UintRef::new(number).map_err(Error::internal));
    let [modulus, exponent] = numbers;
    vec![modulus?, exponent?].to_der().map_err(Error::internal)
}

//! Downloads the security domain.

use super::{DomainKeys, generate, invalid, unsupported};
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::hsm::{Activation, ManagedHsm};
use crate::model::local_rbac::DataAction;
use crate::model::name::HsmName;
use crate::model::{Error, Result};
use crate::ops::hsms::{HsmInAnyState, current_hsm};
use crate::ops::{Cx, Done, Operation};
use crate::security_domain::{DownloadRequest, MasterSecret, SecurityDomain};

/// Returns the security domain, encrypted for certificates; a quorum of their private keys recovers it. The first download
/// activates the HSM; further ones return the same domain
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/security-domain>).
#[derive(Clone, Debug)]
pub struct DownloadSecurityDomain {
    /// The HSM.
    pub hsm: HsmName,
    /// The certificates, and the quorum.
    pub request: DownloadRequest,
}

impl Operation for DownloadSecurityDomain {
    const NAME: &'static str = "DownloadSecurityDomain";
    const EVENT: &'static str = "SecurityDomainDownload";
    const ACTION: DataAction = DataAction::SecurityDomainDownload;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    const REQUIRES_ACTIVATION: bool = false;
    type Target = HsmInAnyState;
    type Reply = String;

    fn target(&self) -> HsmName {
        self.hsm.clone()
    }

    async fn execute(self, _: HsmInAnyState, cx: &Cx) -> Result<Done<String>> {
        let hsm = current_hsm(cx)?;
        let mut active = ManagedHsm { activation: Activation::Active, ..hsm.as_ref().clone() };
        if active.security_domain.is_none() {
            active.security_domain = Some(generate(cx).await?.ok_or_else(unsupported)?);
        }
        let secrets = DomainKeys::of(&active, cx.token()?)?.secrets().await?;
        let master = MasterSecret::generate().map_err(Error::internal)?;
        let file = SecurityDomain::seal(&master, &secrets.to_data(), &self.request);
        let file = file.and_then(|file| file.to_text()).map_err(invalid)?;
        let changes = if active == *hsm { Vec::new() } else { vec![Change::ReplaceHsm(active)] };
        Ok(Done::with(file, changes))
    }
}

//! Imports key material handed in by the caller.

use std::sync::Arc;

use super::settings::{check_limits, declare, prove, spelling};
use super::{KeyBundle, NewKeySettings};
use crate::model::change::{Change, Made};
use crate::model::entry::Meter;
use crate::model::import::ImportMaterial;
use crate::model::key::PublicMaterial;
use crate::model::rbac::Action;
use crate::model::{Error, Result, Timestamp};
use crate::ops::{Cx, Done, KeyPath, Name, Operation};
use crate::public_key;

/// Imports a key version. The material is zeroized when this is dropped.
#[derive(Debug)]
pub struct ImportKey {
    /// Under which name.
    pub key: KeyPath,
    /// The private or secret key.
    pub material: ImportMaterial,
    /// What the caller chose.
    pub settings: NewKeySettings,
}

impl Operation for ImportKey {
    const NAME: &'static str = "ImportKey";
    const EVENT: &'static str = "KeyImport";
    const ACTION: Action = Action::KeyImport;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = Name;
    type Reply = KeyBundle;

    fn target(&self) -> KeyPath {
        self.key.clone()
    }

    fn check(&self, _: &Name, _: Timestamp) -> Result<()> {
        self.settings.check()
    }

    async fn execute(self, target: Name, cx: &Cx) -> Result<Done<KeyBundle>> {
        check_limits(cx, &target)?;
        // Before the token is touched: most tokens accept what is no key at all.
        let (material, public) = validated(self.material).await?;
        let family = self.settings.mode_family(cx, public.key_type())?;
        let version = declare(cx).await?;
        cx.token.import(version, material).await?;
        prove(cx, version, &public).await?;
        let name = spelling(&target, self.key.name);
        let made = self.settings.version(cx, &name, version, public, family);
        let bundle = KeyBundle { version: Arc::new(made.clone()), level: cx.recovery_level() };
        Ok(Done::with(bundle, [Change::InsertVersion(made, Made::Imported)]))
    }
}

/// Checks the material, on a thread that may take its time: primes are tried for half a second.
async fn validated(mut material: ImportMaterial) -> Result<(ImportMaterial, PublicMaterial)> {
    drop_leading_zeros(&mut material);
    let check = move || public_key::validate(&material).map(|public| (material, public));
    tokio::task::spawn_blocking(check).await.map_err(Error::internal)?
}

/// Many libraries write a sign byte before the numbers of an RSA key; PKCS#11 wants none.
fn drop_leading_zeros(material: &mut ImportMaterial) {
    if let ImportMaterial::Rsa { n, e, d, p, q, dp, dq, qi } = material {
        for number in [n, e, d, p, q, dp, dq, qi] {
            let zeros = number.len() - public_key::minimal(number).len();
            number.drain(..zeros);
        }
    }
}

//! Imports key material of the caller.

use std::sync::Arc;

use zeroize::Zeroize as _;

use super::settings::{check_limits, declare_version, stored_name, verify_key_pair};
use super::{KeyBundle, NewKeySettings};
use crate::model::audit_entry::Meter;
use crate::model::change::{Change, VersionOrigin};
use crate::model::import::ImportMaterial;
use crate::model::key::PublicMaterial;
use crate::model::local_rbac::DataAction;
use crate::model::throttling::CallClass;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{Cx, Done, KeyPath, NewVersionName, Operation};
use crate::public_key;

/// Imports a key version (<https://learn.microsoft.com/azure/key-vault/keys/about-keys-details>). The material is
/// zeroized on drop.
#[derive(Clone, Debug)]
pub struct ImportKey {
    /// The key.
    pub key: KeyPath,
    /// The private or secret key.
    pub material: ImportMaterial,
    /// The operations, attributes and tags of the version.
    pub settings: NewKeySettings,
}

impl Operation for ImportKey {
    const NAME: &'static str = "ImportKey";
    const EVENT: &'static str = "KeyImport";
    const ACTION: DataAction = DataAction::KeyImport;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = NewVersionName;
    type Reply = KeyBundle;

    fn target(&self) -> KeyPath {
        self.key.clone()
    }

    fn call_class(&self, _: &NewVersionName, _: &Cx) -> CallClass {
        CallClass::CreateKey(self.settings.protection)
    }

    fn check(&self, _: &NewVersionName, _: Timestamp) -> Result<()> {
        self.settings.check()
    }

    async fn execute(self, target: NewVersionName, cx: &Cx) -> Result<Done<KeyBundle>> {
        check_limits(cx, &target)?;
        // Validated first, because most tokens accept invalid key material.
        let (material, public) = validate(self.material).await?;
        let settings = self.settings.in_container(cx, public.key_type(), Field::KeyKty)?;
        let family = settings.mode_family(cx, public.key_type())?;
        let version = declare_version(cx).await?;
        cx.token()?.import(version, material, cx.backup).await?;
        verify_key_pair(cx, version, &public).await?;
        let name = stored_name(&target, self.key.name);
        let made = settings.version(cx, &name, version, public, family);
        let bundle =
            KeyBundle { version: Arc::new(made.clone()), level: cx.recovery_level(), managed: false };
        Ok(Done::with(bundle, [Change::InsertVersion(made, VersionOrigin::Imported)]))
    }
}

/// Validates the material on a blocking thread: the primality tests take half a second.
async fn validate(mut material: ImportMaterial) -> Result<(ImportMaterial, PublicMaterial)> {
    set_widths(&mut material);
    let check = move || public_key::validate(&material).map(|public| (material, public));
    tokio::task::spawn_blocking(check).await.map_err(Error::internal)?
}

/// Sets every number to the width that PKCS#11 requires. Some clients send a leading sign byte (the Azure SDK for Java),
/// others omit the leading zero bytes of curve coordinates and scalars (az).
fn set_widths(material: &mut ImportMaterial) {
    match material {
        ImportMaterial::Rsa { n, e, d, p, q, dp, dq, qi } => {
            for number in [n, e, d, p, q, dp, dq, qi] {
                let zeros = number.len() - public_key::strip_leading_zeros(number).len();
                number.drain(..zeros);
            }
        }
        ImportMaterial::Ec { crv, x, y, d } => {
            for number in [x, y, d] {
                widen(number, crv.field_len());
            }
        }
        ImportMaterial::Oct { .. } => {}
    }
}

/// Sets a big-endian number to `width` bytes. Leaves an empty or too large one as it is: validation rejects it by name.
fn widen(number: &mut Vec<u8>, width: usize) {
    let value = public_key::strip_leading_zeros(number);
    if number.is_empty() || number.len() == width || value.len() > width {
        return;
    }
    let mut wide = vec![0; width];
    if let Some(end) = wide.get_mut(width - value.len()..) {
        end.copy_from_slice(value);
    }
    // It may be the private scalar.
    std::mem::replace(number, wide).zeroize();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widens_and_trims_big_endian_numbers() {
        for (given, wide) in [
            (vec![1, 2], vec![0, 0, 1, 2]),
            (vec![1, 2, 3, 4], vec![1, 2, 3, 4]),
            (vec![0, 1, 2, 3, 4], vec![1, 2, 3, 4]),
            (vec![0, 0, 0, 0, 0, 9], vec![0, 0, 0, 9]),
            (vec![0], vec![0; 4]),
            (vec![], vec![]),
            (vec![1, 2, 3, 4, 5], vec![1, 2, 3, 4, 5]),
        ] {
            let mut number = given.clone();
            widen(&mut number, 4);
            assert_eq!(number, wide, "{given:?}");
        }
    }
}

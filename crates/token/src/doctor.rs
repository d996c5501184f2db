//! A diagnostic report about a module and a token, made before they are trusted with keys.

use std::fmt;

use secrecy::SecretString;

use super::capabilities::{Capabilities, Feature};
use super::key_backup;
use super::{Module, Selector, Settings, TokenInfo};
use crate::model::Result;

/// The report of [`examine`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// The module: description, manufacturer, versions.
    pub module: String,
    /// The token.
    pub token: TokenInfo,
    /// Its measured capabilities.
    pub capabilities: Capabilities,
    /// Whether the token has the sentinel object that [`Module::open`] creates.
    pub opened_before: bool,
    /// The number of keys in the token, without those of the security domain.
    pub keys: usize,
    /// The number of keys that are not wrappable: they cannot be backed up.
    pub not_wrappable: usize,
    /// The number of objects that another application created, or incomplete keys. They are never modified.
    pub foreign: usize,
    /// The number of objects without attributes, left by a killed process. They are never modified.
    pub without_attributes: usize,
}

/// Logs in to a token, measures its capabilities and lists its objects. Creates no token objects.
///
/// # Errors
/// As [`Module::open`].
pub fn examine(module: &Module, select: &Selector, pin: &SecretString) -> Result<Report> {
    let description = module.describe()?;
    let settings = Settings { expect_sentinel: true, faults: None };
    module.with_login(select, pin, &settings, |session, device| {
        let opened_before = device.verify_sentinel(session).is_ok();
        let unrecognized = device.scan(session)?;
        let (mut keys, mut not_wrappable) = (0, 0);
        for objects in device.handles.all() {
            if !key_backup::is_domain_key(session, &objects)? {
                keys += 1;
                not_wrappable += usize::from(!key_backup::all_extractable(session, &objects)?);
            }
        }
        Ok(Report {
            module: description,
            token: device.info.clone(),
            capabilities: device.capabilities.clone(),
            opened_before,
            keys,
            not_wrappable,
            foreign: unrecognized.foreign,
            without_attributes: unrecognized.without_attributes,
        })
    })
}

impl Report {
    /// What weakens the protection of keys that can be backed up.
    pub fn warnings(&self) -> Vec<&'static str> {
        let wraps = self.capabilities.has(Feature::WrapSecretKeys);
        let lacks = |feature| wraps && !self.capabilities.has(feature);
        let warnings = [
            (
                !wraps,
                "the token does not wrap keys with AES Key Wrap with Padding: no key in it can be backed up",
            ),
            (
                lacks(Feature::UnextractableEnforced),
                "the token wraps keys that are not extractable: the setting backup = \"never\" is not enforced by it",
            ),
            (
                lacks(Feature::WrapUsageEnforced),
                "the token wraps with keys that do not have CKA_WRAP: whoever uses the PIN can take keys out of it \
                 under a key of his own",
            ),
        ];
        warnings.into_iter().filter_map(|(applies, warning)| applies.then_some(warning)).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = &self.token;
        writeln!(f, "module  {}", self.module)?;
        writeln!(
            f,
            "token   {:?}, serial {}, {} {} {}",
            token.label, token.serial, token.manufacturer, token.model, token.firmware
        )?;
        writeln!(
            f,
            "        {}",
            if self.opened_before { "opened before" } else { "never opened by this service" }
        )?;
        writeln!(f, "keys    {}", self.keys)?;
        if self.not_wrappable > 0 {
            writeln!(f, "        {} keys that cannot be backed up: not wrappable", self.not_wrappable)?;
        }
        if self.foreign > 0 {
            writeln!(f, "        {} objects that are not keys of this service", self.foreign)?;
        }
        if self.without_attributes > 0 {
            writeln!(
                f,
                "        {} objects without attributes, left by a process that was killed",
                self.without_attributes
            )?;
        }
        writeln!(f, "capabilities")?;
        write!(f, "{}", self.capabilities)?;
        for warning in self.warnings() {
            write!(f, "\nwarning: {warning}\n")?;
        }
        Ok(())
    }
}

//! Examines a module and a token without changing them.

use secrecy::SecretString;

use super::Settings;
use super::key_backup;
use super::local_module::LocalModule;
use super::report::Report;
use super::token_info::Selector;
use crate::model::Result;

/// Logs in to a token, measures its capabilities and lists its objects. Creates no token objects.
///
/// # Errors
/// As [`super::Module::open`].
pub(super) fn examine(module: &LocalModule, select: &Selector, pin: &SecretString) -> Result<Report> {
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
            enforced: None,
        })
    })
}

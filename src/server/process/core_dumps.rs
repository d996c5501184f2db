//! Disables core dumps of a gateway, which could contain PINs and imported keys.

use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, setrlimit};

/// Disables core dumps of this process irrevocably, even if its limits can be raised. Other unprivileged processes
/// cannot attach as debuggers either.
///
/// # Errors
/// If the system refuses; then the process must not read secrets.
pub(crate) fn disable() -> anyhow::Result<()> {
    let zero = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, zero).context("disabling core dumps (RLIMIT_CORE)")?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .context("disabling core dumps (PR_SET_DUMPABLE)")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_dumps_are_disabled() {
        disable().unwrap();
        let limit = rustix::process::getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        #[cfg(target_os = "linux")]
        assert_eq!(
            rustix::process::dumpable_behavior().unwrap(),
            rustix::process::DumpableBehavior::NotDumpable
        );
    }
}

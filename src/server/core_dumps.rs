//! A gateway leaves no image of its memory behind: PINs, and keys that are being imported, would be in it.

use anyhow::Context as _;
use rustix::process::{Resource, Rlimit, setrlimit};

/// Forbids core dumps of this process for good, even to whoever may raise its limits. Debuggers of other users, and
/// other processes of the same user, cannot attach either.
///
/// # Errors
/// Where the system refuses; then the process must not take secrets.
pub(super) fn forbid() -> anyhow::Result<()> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).context("forbidding core dumps (RLIMIT_CORE)")?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .context("forbidding core dumps (PR_SET_DUMPABLE)")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_forbids_core_dumps_has_none() {
        forbid().unwrap();
        let limit = rustix::process::getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        #[cfg(target_os = "linux")]
        assert_eq!(
            rustix::process::dumpable_behavior().unwrap(),
            rustix::process::DumpableBehavior::NotDumpable
        );
    }
}

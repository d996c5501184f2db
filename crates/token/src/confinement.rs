//! Confinement of worker processes: what the code of a module can reach in the system.
//!
//! A module gets no more than it needs: no new privileges, no system calls that control other processes or the kernel, no
//! network unless it connects to its device, and write access to the directory of its tokens only. Files and TCP are restricted
//! with Landlock, system calls with seccomp; what the kernel does not have is not enforced, and reported by `strongroom doctor`.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::Result;

/// What a worker process may do.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Confinement {
    /// Whether the module connects to its device over the network.
    pub network: bool,
    /// The files that it may read and write; `None` means that they are not known, and not restricted.
    pub files: Option<Files>,
}

/// The files that a module uses, in addition to those of the system, which it may read.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Files {
    /// Directories and files that it may read: itself, its configuration.
    pub read: Vec<PathBuf>,
    /// Directories and files that it may also write: its tokens.
    pub write: Vec<PathBuf>,
}

/// What is enforced in a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Enforced {
    /// Access to files.
    pub files: Enforcement,
    /// No network.
    pub network: Enforcement,
    /// No new privileges, and no control of other processes or the kernel.
    pub system_calls: Enforcement,
}

/// Whether a restriction is enforced.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// By the kernel.
    Yes,
    /// The kernel, or this platform, does not have what is needed.
    #[default]
    NotSupported,
    /// The module needs what would be restricted, or it is not known what it needs.
    NotConfigured,
}

impl fmt::Display for Enforcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Yes => "yes",
            Self::NotSupported => "no: the kernel does not support it",
            Self::NotConfigured => "no: not configured for this module",
        })
    }
}

/// Confines this process, which has one thread, for the rest of its life.
///
/// # Errors
/// `Internal` if the kernel refuses a restriction that it supports.
pub(crate) fn apply(confinement: &Confinement) -> Result<Enforced> {
    platform::apply(confinement)
}

#[cfg(target_os = "linux")]
mod platform {
    use std::collections::BTreeMap;

    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _,
        RulesetCreatedAttr as _, RulesetError, path_beneath_rules,
    };
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, TargetArch,
    };

    use super::{Confinement, Enforced, Enforcement, Files};
    use crate::model::{Error, Result};

    /// The newest interface of Landlock whose rights are used.
    const LANDLOCK: ABI = ABI::V5;

    /// What every module reads: libraries, their configuration, devices, and information on the machine.
    const SYSTEM: [&str; 10] =
        ["/usr", "/lib", "/lib32", "/lib64", "/nix", "/opt", "/etc", "/dev", "/proc", "/sys"];

    /// Files outside of its directories that a module may write.
    const SINKS: [&str; 2] = ["/dev/null", "/dev/random"];

    /// System calls that no module needs: they control other processes or the kernel, or circumvent a filter.
    const DENIED: [libc::c_long; 25] = [
        libc::SYS_add_key,
        libc::SYS_bpf,
        libc::SYS_chroot,
        libc::SYS_delete_module,
        libc::SYS_finit_module,
        libc::SYS_init_module,
        libc::SYS_io_uring_setup,
        libc::SYS_kexec_file_load,
        libc::SYS_kexec_load,
        libc::SYS_keyctl,
        libc::SYS_mount,
        libc::SYS_move_mount,
        libc::SYS_open_tree,
        libc::SYS_perf_event_open,
        libc::SYS_pidfd_getfd,
        libc::SYS_pivot_root,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_ptrace,
        libc::SYS_reboot,
        libc::SYS_request_key,
        libc::SYS_setns,
        libc::SYS_umount2,
        libc::SYS_unshare,
        libc::SYS_userfaultfd,
    ];

    pub(super) fn apply(confinement: &Confinement) -> Result<Enforced> {
        let (files, network) = restrict_files_and_tcp(confinement).map_err(Error::internal)?;
        let system_calls = filter_system_calls(confinement)?;
        let network = match (confinement.network, system_calls, network) {
            (true, ..) => Enforcement::NotConfigured,
            (false, Enforcement::Yes, _) | (false, _, Enforcement::Yes) => Enforcement::Yes,
            _ => Enforcement::NotSupported,
        };
        Ok(Enforced { files, network, system_calls })
    }

    /// Restricts files and TCP as far as the kernel supports it.
    fn restrict_files_and_tcp(
        confinement: &Confinement,
    ) -> std::result::Result<(Enforcement, Enforcement), RulesetError> {
        if confinement.files.is_none() && confinement.network {
            return Ok((Enforcement::NotConfigured, Enforcement::NotConfigured));
        }
        let mut ruleset = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
        if confinement.files.is_some() {
            ruleset = ruleset.handle_access(AccessFs::from_all(LANDLOCK))?;
        }
        if !confinement.network {
            ruleset = ruleset.handle_access(AccessNet::from_all(LANDLOCK))?;
        }
        let mut ruleset = ruleset.create()?;
        if let Some(Files { read, write }) = &confinement.files {
            let reading = AccessFs::from_read(LANDLOCK);
            let writing = AccessFs::from_all(LANDLOCK);
            ruleset = ruleset
                .add_rules(path_beneath_rules(SYSTEM, reading))?
                .add_rules(path_beneath_rules(read, reading))?
                .add_rules(path_beneath_rules(SINKS, writing))?
                .add_rules(path_beneath_rules(write, writing))?;
        }
        let abi = ABI::from(ruleset.restrict_self()?.landlock);
        let enforcement = |configured: bool, since: ABI| match configured {
            true if abi >= since => Enforcement::Yes,
            true => Enforcement::NotSupported,
            false => Enforcement::NotConfigured,
        };
        Ok((
            enforcement(confinement.files.is_some(), ABI::V1),
            // Earlier versions do not restrict TCP.
            enforcement(!confinement.network, ABI::V4),
        ))
    }

    /// Denies system calls that a module does not need. Setting a filter also excludes new privileges.
    fn filter_system_calls(confinement: &Confinement) -> Result<Enforcement> {
        let Ok(architecture) = TargetArch::try_from(std::env::consts::ARCH) else {
            return Ok(Enforcement::NotSupported);
        };
        let build = || -> std::result::Result<BpfProgram, seccompiler::BackendError> {
            let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
                DENIED.iter().map(|call| (*call, Vec::new())).collect();
            if !confinement.network {
                // The log of the system is reached through a Unix socket.
                let unix = u64::try_from(libc::AF_UNIX).unwrap_or(0);
                let others = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, unix)?;
                rules.insert(libc::SYS_socket, vec![SeccompRule::new(vec![others])?]);
            }
            if confinement.files.is_some() {
                // Its files are known, and contain no programs.
                rules.insert(libc::SYS_execve, Vec::new());
                rules.insert(libc::SYS_execveat, Vec::new());
            }
            let denied = SeccompAction::Errno(u32::try_from(libc::EPERM).unwrap_or(1));
            SeccompFilter::new(rules, SeccompAction::Allow, denied, architecture)?.try_into()
        };
        let program = build().map_err(Error::internal)?;
        match seccompiler::apply_filter(&program) {
            Ok(()) => Ok(Enforcement::Yes),
            Err(error) => {
                tracing::debug!(%error, "the kernel does not filter system calls");
                Ok(Enforcement::NotSupported)
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use super::{Confinement, Enforced};
    use crate::model::Result;

    pub(super) fn apply(_confinement: &Confinement) -> Result<Enforced> {
        Ok(Enforced::default())
    }
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::net::UnixStream;
    use std::process::Command;

    use super::*;

    /// Restrictions apply to the thread that asks for them.
    fn confined<T: Send + 'static>(
        confinement: Confinement,
        act: impl FnOnce(Enforced) -> T + Send + 'static,
    ) -> T {
        std::thread::spawn(move || act(apply(&confinement).unwrap())).join().unwrap()
    }

    #[test]
    fn confined_thread_reaches_only_its_files() {
        let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (read, write) = (home.path().join("read"), home.path().join("write"));
        for directory in [&read, &write] {
            std::fs::create_dir(directory).unwrap();
            std::fs::write(directory.join("file"), b"text").unwrap();
        }
        let elsewhere = other.path().join("file");
        std::fs::write(&elsewhere, b"text").unwrap();
        let files = Some(Files { read: vec![read.clone()], write: vec![write.clone()] });
        confined(Confinement { network: false, files }, move |enforced| {
            let denied = |error: std::io::Error| assert_eq!(error.kind(), ErrorKind::PermissionDenied);
            // Kernels before 5.13 have no Landlock.
            if enforced.files == Enforcement::Yes {
                denied(std::fs::read(&elsewhere).unwrap_err());
                denied(std::fs::write(&elsewhere, b"").unwrap_err());
                denied(std::fs::write(read.join("new"), b"").unwrap_err());
                denied(std::fs::remove_file(read.join("file")).unwrap_err());
            }
            assert_eq!(std::fs::read(read.join("file")).unwrap(), b"text");
            std::fs::write(write.join("new"), b"text").unwrap();
            std::fs::remove_file(write.join("file")).unwrap();
            assert_eq!((enforced.network, enforced.system_calls), (Enforcement::Yes, Enforcement::Yes));
            denied(TcpStream::connect(address).unwrap_err());
            denied(UdpSocket::bind("127.0.0.1:0").unwrap_err());
            UnixStream::pair().unwrap();
            denied(Command::new("true").status().unwrap_err());
        });
    }

    #[test]
    fn module_of_a_network_device_keeps_its_network_and_files() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        confined(Confinement { network: true, files: None }, move |enforced| {
            assert_eq!(
                (enforced.files, enforced.network),
                (Enforcement::NotConfigured, Enforcement::NotConfigured)
            );
            std::fs::write(&path, b"text").unwrap();
            TcpStream::connect(address).unwrap();
            assert!(Command::new("true").status().unwrap().success());
            // Other processes and the kernel stay out of reach.
            assert_eq!(enforced.system_calls, Enforcement::Yes);
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            assert!(status.contains("NoNewPrivs:\t1\n") && status.contains("Seccomp:\t2\n"), "{status}");
        });
    }
}

//! Tests environment variables that start with `STRONGROOM_` but are no settings, such as those of Kubernetes Services.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use super::answer;
use crate::support::{Server, strongroom};

/// The variables that Kubernetes injects into every pod of a namespace with a Service named `strongroom` and one with
/// two named ports, and variables that tools and images set.
const FOREIGN: &[(&str, &str)] = &[
    ("STRONGROOM_BIN", "/usr/bin/strongroom"),
    ("STRONGROOM_METRICS_SERVICE_HOST", "10.96.7.12"),
    ("STRONGROOM_METRICS_PORT", "tcp://10.96.7.12:9090"),
    ("STRONGROOM_PORT", "tcp://10.96.7.11:8443"),
    ("STRONGROOM_PORT_53_UDP", "udp://10.96.7.11:53"),
    ("STRONGROOM_PORT_53_UDP_ADDR", "10.96.7.11"),
    ("STRONGROOM_PORT_53_UDP_PORT", "53"),
    ("STRONGROOM_PORT_53_UDP_PROTO", "udp"),
    ("STRONGROOM_PORT_8443_TCP", "tcp://10.96.7.11:8443"),
    ("STRONGROOM_PORT_8443_TCP_ADDR", "10.96.7.11"),
    ("STRONGROOM_PORT_8443_TCP_PORT", "8443"),
    ("STRONGROOM_PORT_8443_TCP_PROTO", "tcp"),
    ("STRONGROOM_SERVICE_HOST", "10.96.7.11"),
    ("STRONGROOM_SERVICE_PORT", "8443"),
    ("STRONGROOM_SERVICE_PORT_HTTPS", "8443"),
    ("STRONGROOM_SERVICE_PORT_HTTPS__ALT", "53"),
    ("STRONGROOM_VERSION", "0.1.0"),
];

fn names() -> String {
    let mut names: Vec<_> = FOREIGN.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.join(", ")
}

#[test]
fn kubernetes_service_variables_are_ignored() {
    let server = Server::start_with(&[], FOREIGN);
    let log = server.log();
    assert_eq!(log.matches("are not read").count(), 1, "{log}");
    assert!(log.contains(&names()), "{log}");

    let mut client = strongroom();
    client.envs(FOREIGN.iter().copied()).env("STRONGROOM_DATA_DIR", server.directory());
    let listed = answer(client.args(["key", "list"]));
    assert_eq!((listed.code, listed.err.as_str()), (0, "hsms/local has no keys\n"), "{listed:?}");
}

#[test]
fn config_check_warns_of_foreign_variables() {
    let directory = tempfile::tempdir().unwrap();
    let check = || {
        let mut command = strongroom();
        command.current_dir(&directory).args(["config", "check", "--dev"]);
        command
    };
    let checked = answer(check().envs(FOREIGN.iter().copied()));
    let warning = format!(
        "these environment variables are not read, since they name no setting: {}\nthe configuration is valid\n",
        names()
    );
    assert_eq!((checked.code, checked.err), (0, warning));

    // Variables of settings are still parsed strictly.
    let wrong = answer(check().env("STRONGROOM_SERVICE__PORT", "1"));
    assert!(wrong.code == 1 && wrong.err.contains("STRONGROOM_SERVICE__PORT: unknown field"), "{wrong:?}");
    let wrong = answer(check().env("STRONGROOM_MODE", "simulation"));
    assert!(wrong.code == 1 && wrong.err.contains("STRONGROOM_MODE"), "{wrong:?}");

    // Values that are not UTF-8 are rejected for settings and ignored elsewhere.
    let binary = || OsString::from_vec(vec![b'/', 0xff]);
    let checked = answer(check().env("LESSOPEN", binary()).env("STRONGROOM_BIN", binary()));
    assert!(checked.code == 0 && checked.err.contains("STRONGROOM_BIN"), "{checked:?}");
    let wrong = answer(check().env("STRONGROOM_LOG__FILTER", binary()));
    assert!(wrong.code == 1 && wrong.err.contains("STRONGROOM_LOG__FILTER: is not UTF-8"), "{wrong:?}");
}

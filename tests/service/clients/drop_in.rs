//! Azure's own names on port 443, with no setting but whom to trust and who is calling: the lines of the page, in a network
//! and with a hosts file that nobody else has.

use std::path::Path;
use std::process::Command;

use super::place::{example, installed};

const PAGE: &str = include_str!("../../../docs/clients/drop-in.md");

/// Makes the loopback interface of a new network work.
const LOOPBACK: &str = "import fcntl, socket, struct; \
    fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sH14x', b'lo', 0x41))";

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "namespaces are Linux's")]
fn clients_need_no_setting_where_azures_names_lead_here() {
    let (python, az) = (installed("python"), installed("az"));
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("example.py"), example(PAGE, "python")).unwrap();
    std::fs::write(place.path().join("hosts"), "127.0.0.1 localhost\n").unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_strongroom")).parent().unwrap();
    let lines = format!(
        "mount --bind hosts /etc/hosts\n\
         PATH='{}:{}:{}':$PATH\n\
         python -c \"{LOOPBACK}\"\n\
         trap 'kill %1; wait' EXIT\n\
         {}\n",
        programs.display(),
        python.join("bin").display(),
        az.join("bin").display(),
        example(PAGE, "sh")
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "--net", "--map-root-user", "bash", "-euo", "pipefail", "-c", &lines]);
    for (name, _) in std::env::vars() {
        let upper = name.to_ascii_uppercase();
        if upper.ends_with("_PROXY") || upper.starts_with("AZURE_") || upper.starts_with("STRONGROOM_") {
            command.env_remove(name);
        }
    }
    let output = command
        .current_dir(&place)
        .env("AZURE_CONFIG_DIR", place.path().join("azure"))
        .env("AZURE_CORE_COLLECT_TELEMETRY", "false")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let log = std::fs::read_to_string(place.path().join("strongroom.log")).unwrap_or_default();
    assert!(output.status.success(), "{}\n{out}{err}\n{log}", output.status);
    assert!(out.contains("signed with https://local.managedhsm.azure.net/keys/invoices/"), "{out}");
}

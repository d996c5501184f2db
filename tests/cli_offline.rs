//! Tests the command line without a server: usage errors, hints, and checks before a request is sent.

#![expect(clippy::unwrap_used, reason = "a test that cannot run has failed")]

use std::path::Path;

use assert_cmd::Command;

#[path = "cli_offline/security_domain.rs"]
mod security_domain;

/// The program in a directory, without its environment variables.
fn strongroom(directory: &Path) -> Command {
    let mut command = Command::cargo_bin("strongroom").unwrap();
    command.current_dir(directory);
    for name in ["DATA_DIR", "PRINCIPAL", "TOKEN", "ENDPOINT", "CA_FILE", "HSM"] {
        command.env_remove(format!("STRONGROOM_{name}"));
    }
    command
}

/// Runs a command line and returns its exit code, standard output and standard error.
fn run(directory: &Path, line: &str) -> (i32, String, String) {
    output(strongroom(directory).args(line.split(' ')))
}

fn output(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Writes a simulator's `connection.json` that names a port without a listener.
fn write_connection_file(directory: &Path) {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ca = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
    let data = directory.join(".strongroom");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("ca.pem"), ca).unwrap();
    let connection = serde_json::json!({
        "endpoint": format!("https://127.0.0.1:{port}"),
        "ca_file": data.join("ca.pem"),
        "authority": format!("https://login.localhost:{port}"),
        "audience": format!("https://managedhsm.localhost:{port}"),
        "tenant_id": "11111111-1111-4111-8111-111111111111",
        "subscription_id": "22222222-2222-4222-8222-222222222222",
        "resource_group": "strongroom",
        "hsm": "local",
        "principals": [{
            "name": "dev",
            "object_id": "33333333-3333-4333-8333-333333333333",
            "client_id": "44444444-4444-4444-8444-444444444444",
            "client_secret": "a-client-secret",
            "roles": [],
        }],
    });
    std::fs::write(data.join("connection.json"), connection.to_string()).unwrap();
}

#[test]
fn invalid_arguments_are_usage_errors() {
    let directory = tempfile::tempdir().unwrap();
    for line in [
        "key frobnicate",
        "key sign invoices --alg ES256",
        "key create a_b --kty EC-HSM",
        "--output xml token",
    ] {
        let (code, stdout, stderr) = run(directory.path(), line);
        assert_eq!(code, 2, "{line}");
        assert!(stdout.is_empty() && stderr.contains("--help"), "{line}: {stderr}");
    }
}

#[test]
fn duplicate_tags_are_usage_errors() {
    let directory = tempfile::tempdir().unwrap();
    let (code, _, stderr) = run(directory.path(), "key create k --kty EC-HSM --tag a=1 --tag a=2");
    assert_eq!(code, 2);
    assert!(stderr.contains("given twice"), "{stderr}");
}

#[test]
fn missing_connection_file_prints_hint() {
    let directory = tempfile::tempdir().unwrap();
    let (code, stdout, stderr) = run(directory.path(), "key list");
    assert_eq!(code, 1);
    assert!(stdout.is_empty());
    assert!(stderr.starts_with("error: there is no ./.strongroom/connection.json\nhint: "), "{stderr}");
    assert!(stderr.contains("make run") && stderr.contains("--data-dir"), "{stderr}");
}

#[test]
fn connection_refused_prints_hint() {
    let directory = tempfile::tempdir().unwrap();
    write_connection_file(directory.path());
    // With STRONGROOM_TOKEN the first request goes to the server, without it to the authority. The error is the same.
    for token in [None, Some("eyJ.token")] {
        let mut command = strongroom(directory.path());
        command.args(["key", "list"]);
        if let Some(token) = token {
            command.env("STRONGROOM_TOKEN", token);
        }
        let (code, _, stderr) = output(&mut command);
        assert_eq!(code, 1);
        assert!(stderr.starts_with("error: nothing listens at https://"), "{stderr}");
        assert!(stderr.contains("make run"), "{stderr}");
        assert!(!stderr.contains("a-client-secret") && !stderr.contains("eyJ"), "{stderr}");
    }
}

#[test]
fn unknown_principal_lists_known_principals() {
    let directory = tempfile::tempdir().unwrap();
    write_connection_file(directory.path());
    let (code, _, stderr) = run(directory.path(), "--as eve key list");
    assert_eq!(code, 1);
    assert!(stderr.contains("\"eve\"") && stderr.contains("known principals: dev"), "{stderr}");
}

#[test]
fn refuses_to_send_access_token_without_tls() {
    let directory = tempfile::tempdir().unwrap();
    let line = "key list --endpoint http://127.0.0.1:1 --token t --hsm local";
    let (code, _, stderr) = run(directory.path(), line);
    assert_eq!(code, 1);
    assert!(stderr.contains("without TLS"), "{stderr}");
}

#[test]
fn input_files_are_validated_before_connecting() {
    let directory = tempfile::tempdir().unwrap();
    for (line, message) in [
        ("key sign k --alg ES256 --file missing.pdf", "missing.pdf"),
        ("key sign k --alg ES384 --digest AQID", "a digest of 48 bytes, 3 were given"),
        (
            "key verify k --alg ES256 --digest ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0 --signature no.json",
            "--signature",
        ),
        ("key import k --jwk missing.json", "missing.json"),
    ] {
        let (code, _, stderr) = run(directory.path(), line);
        assert_eq!(code, 1, "{line}: {stderr}");
        assert!(stderr.contains(message), "{line}: {stderr}");
    }
}

#[test]
fn hyphen_reads_standard_input() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = strongroom(directory.path());
    let (code, _, stderr) =
        output(command.args(["key", "import", "k", "--jwk", "-"]).write_stdin("{\"kty\":\"oct\"}"));
    assert_eq!(code, 1);
    assert!(stderr.contains("no member \"k\""), "{stderr}");
}

#[test]
fn completions_exist_for_every_shell() {
    let directory = tempfile::tempdir().unwrap();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (code, stdout, stderr) = run(directory.path(), &format!("completions {shell}"));
        assert_eq!(code, 0);
        assert!(stdout.contains("list-deleted") && stderr.is_empty(), "{shell}");
    }
}

#[test]
fn token_command_prints_token_from_environment() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = strongroom(directory.path());
    let (code, stdout, _) = output(command.env("STRONGROOM_TOKEN", "eyJ.token").args(["token"]));
    assert_eq!((code, stdout.as_str()), (0, "eyJ.token\n"));
}

#[test]
fn help_does_not_print_token_from_environment() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = strongroom(directory.path());
    let (code, stdout, _) = output(command.env("STRONGROOM_TOKEN", "eyJ.token").args(["--help"]));
    assert_eq!(code, 0);
    assert!(!stdout.contains("eyJ.token"));
}

#[test]
fn closed_stdout_is_not_an_error() {
    use std::process::{Command, Stdio};

    let directory = tempfile::tempdir().unwrap();
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("strongroom"))
        .args(["completions", "zsh"])
        .current_dir(directory.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

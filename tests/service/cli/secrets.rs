//! Tests `strongroom secret`.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use serde_json::json;

use super::{Answer, Cli, members};

/// A server with the vault `payroll`, whose access policies give `dev` every permission for secrets.
fn cli() -> Cli {
    let cli = Cli::new();
    cli.ok("vault create payroll --access-policies");
    cli.ok("vault policy set payroll --principal dev --secrets all,purge");
    cli
}

/// Returns a command line for the secrets of the vault.
fn line(command: &str) -> String {
    format!("--vault payroll secret {command}")
}

#[test]
fn secrets_are_set_shown_updated_and_listed() {
    let cli = cli();
    assert_eq!(cli.run(&line("list")).err, "vaults/payroll has no secrets\n");
    let made = cli.json(&line("set password --value hunter2 --content-type text/plain --tag team=web"));
    let common = [
        "content_type",
        "created",
        "enabled",
        "expires",
        "name",
        "not_before",
        "recoverable_days",
        "recovery_level",
        "tags",
        "updated",
    ];
    // The caller knows the value.
    assert_eq!(members(&made), common);
    assert_eq!((&made["content_type"], &made["tags"]), (&json!("text/plain"), &json!({"team": "web"})));
    let shown = cli.json(&line("show PASSWORD"));
    assert_eq!(shown["value"], json!("hunter2"));
    assert_eq!(shown["name"], made["name"]);
    let text = cli.ok(&line("show password"));
    assert!(text.contains("\nvalue         hunter2\n"), "{text}");
    assert!(!cli.ok(&line("set password --value hunter3")).contains("hunter3"));
    assert_eq!(cli.ok(&line("show password --raw")), "hunter3");
    let version = made["name"].as_str().unwrap().rsplit('/').next().unwrap();
    assert_eq!(cli.ok(&line(&format!("show password --version {version} --raw"))), "hunter2");
    assert_eq!(cli.ok(&format!("secret show {} --raw", made["name"].as_str().unwrap())), "hunter2");

    let versions = cli.json(&line("versions password"));
    assert_eq!((versions.as_array().unwrap().len(), &versions[0]["name"]), (2, &made["name"]));
    assert!(!versions.to_string().contains("hunter"), "{versions}");
    let updated = cli.json(&line("update password --enabled false --content-type x --expires 2027-01-01"));
    assert_eq!((&updated["enabled"], &updated["expires"]), (&json!(false), &json!("2027-01-01T00:00:00Z")));
    assert_eq!(members(&updated), common);
    let failure = cli.fails(&line("show password"));
    assert!(failure.contains("reason: SECRET_DISABLED"), "{failure}");
    cli.ok(&line("update password --enabled true --clear-expires --clear-tags"));
    let list = cli.json(&line("list"));
    assert_eq!(list[0]["name"], json!("vaults/payroll/secrets/password"));
    let list = cli.ok(&line("list"));
    assert!(list.starts_with("NAME      CONTENT TYPE  ENABLED  UPDATED"), "{list}");

    // The environment names the vault, too.
    let mut command = cli.strongroom();
    let answer = super::answer(
        command.args(["secret", "show", "password", "--raw"]).env("STRONGROOM_VAULT", "payroll"),
    );
    assert_eq!((answer.code, answer.out.as_str()), (0, "hunter3"), "{answer:?}");
    let failure = cli.fails("--vault nothing secret list");
    assert!(failure.contains("reason: VAULT_NOT_FOUND"), "{failure}");
    let failure = cli.fails(&format!("--as reader {}", line("show password")));
    assert!(failure.contains("reason: PERMISSION_NOT_GRANTED"), "{failure}");
}

#[test]
fn values_are_read_and_written_to_the_byte() {
    let cli = cli();
    let value = "first line\n\u{e4}\t\u{1b}[31m last line\n\n";
    assert_eq!(cli.pipe(&line("set password"), value.as_bytes()).code, 0);
    assert_eq!(cli.ok(&line("show password --raw")), value);
    cli.write("value.txt", "");
    cli.ok(&line("set password --file value.txt"));
    assert_eq!(cli.ok(&line("show password --raw")), "");
    cli.write("value.txt", value);
    cli.ok(&line("set password --file value.txt"));
    assert_eq!(cli.ok(&line("show password --out secret.txt")), "");
    assert_eq!(cli.read("secret.txt"), value.as_bytes());
    let mode = cli.directory.path().join("secret.txt").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // A terminal does not get control characters.
    let text = cli.ok(&line("show password"));
    assert!(text.contains("first line\u{fffd}\u{e4}\u{fffd}\u{fffd}[31m last line"), "{text}");
    assert_eq!(cli.json(&line("show password"))["value"], json!(value));

    // Errors do not quote values.
    for wrong in [b"hunter2 \xff".to_vec(), "hunter2 ".repeat(4_000).into_bytes()] {
        let answer = cli.pipe(&line("set password"), &wrong);
        assert_eq!(answer.code, 1, "{answer:?}");
        assert!(!answer.err.contains("hunter2") && !answer.out.contains("hunter2"), "{answer:?}");
    }
    assert_eq!(cli.ok(&line("show password --raw")), value);
}

#[test]
fn value_typed_at_a_terminal_is_not_echoed() {
    let cli = cli();
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let terminal = openpt(flags).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let (stdin, stderr) =
        (ioctl_tiocgptpeer(&terminal, flags).unwrap(), ioctl_tiocgptpeer(&terminal, flags).unwrap());
    let child = cli
        .strongroom()
        .args(line("set password").split(' '))
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .unwrap();
    let mut terminal = File::from(terminal);
    let (mut shown, mut buffer, mut is_typed) = (String::new(), [0; 4096], false);
    // The read ends with an error when the program, the last user of the terminal, has ended.
    while let Ok(length @ 1..) = terminal.read(&mut buffer) {
        shown += &String::from_utf8_lossy(&buffer[..length]);
        if shown.contains("Value (not shown):") && !is_typed {
            terminal.write_all(b"hunter2\n").unwrap();
            is_typed = true;
        }
    }
    let answer = Answer::of(child.wait_with_output().unwrap());
    assert_eq!(answer.code, 0, "{answer:?} {shown:?}");
    assert!(
        is_typed && !shown.contains("hunter2") && !answer.out.contains("hunter2"),
        "{shown:?} {answer:?}"
    );
    assert_eq!(cli.ok(&line("show password --raw")), "hunter2");
}

#[test]
fn secrets_are_deleted_recovered_purged_and_restored() {
    let cli = cli();
    let made = cli.json(&line("set password --value hunter2"));
    cli.ok(&line("backup password --out backup"));
    assert!(!String::from_utf8_lossy(&cli.read("backup")).contains("hunter2"));
    let deleted = cli.json(&line("delete password"));
    assert_eq!(members(&deleted), ["deleted_at", "name", "scheduled_purge_at", "secret"]);
    assert_eq!(deleted["name"], json!("vaults/payroll/deletedSecrets/password"));
    assert_eq!(deleted["secret"]["name"], made["name"]);
    assert_eq!(cli.json(&line("show-deleted password")), deleted);
    assert_eq!(cli.json(&line("list-deleted")), json!([deleted]));
    assert!(cli.ok(&line("show-deleted password")).contains("\nscheduled purge  "));
    assert!(cli.fails(&line("show password")).contains("reason: SECRET_NOT_FOUND"));
    assert!(cli.fails(&line("set password --value x")).contains("reason: SECRET_DELETED_BUT_RECOVERABLE"));
    assert_eq!(cli.json(&line("recover password"))["name"], made["name"]);
    assert_eq!(cli.ok(&line("show password --raw")), "hunter2");
    cli.ok(&line("delete password"));
    assert_eq!(cli.ok(&line("purge password")), "purged vaults/payroll/deletedSecrets/password\n");
    assert_eq!(cli.run(&line("list-deleted")).err, "vaults/payroll has no deleted secrets\n");
    assert_eq!(cli.json(&line("restore backup"))["name"], made["name"]);
    assert_eq!(cli.ok(&line("show password --raw")), "hunter2");
}

#[test]
fn vaults_require_their_own_access_token() {
    let cli = cli();
    cli.ok(&line("set password --value hunter2"));
    let (vault, data) = (cli.ok("token --plane vault"), cli.ok("token"));
    let run = |variable: &str, token: &str| {
        let mut command = cli.strongroom();
        super::answer(command.args(line("show password --raw").split(' ')).env(variable, token.trim()))
    };
    for variable in ["STRONGROOM_TOKEN", "STRONGROOM_VAULT_TOKEN"] {
        assert_eq!(run(variable, &vault).out, "hunter2", "{variable}");
        let refused = run(variable, &data);
        assert!(refused.code == 1 && refused.err.contains("STRONGROOM_VAULT_TOKEN"), "{refused:?}");
    }
}

//! Tests `strongroom certificate`.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use serde_json::json;

use super::{Answer, Cli, members};

/// What `az keyvault certificate get-default-policy` prints, for an EC key, which is faster to generate.
const DEFAULT_POLICY: &str = r#"{
  "issuerParameters": {"certificateTransparency": null, "name": "Self"},
  "keyProperties": {"curve": "P-256", "exportable": true, "keySize": 256, "keyType": "EC", "reuseKey": true},
  "lifetimeActions": [{"action": {"actionType": "AutoRenew"}, "trigger": {"daysBeforeExpiry": 90}}],
  "secretProperties": {"contentType": "application/x-pkcs12"},
  "x509CertificateProperties": {
    "keyUsage": ["cRLSign", "digitalSignature"], "subject": "CN=CLIGetDefaultPolicy", "validityInMonths": 12
  }
}"#;

/// A server with the vault `payroll`, whose access policies give `dev` every permission for secrets and certificates.
fn cli() -> Cli {
    let cli = Cli::new();
    cli.ok("vault create payroll --access-policies");
    cli.ok("vault policy set payroll --principal dev --secrets all,purge --certificates all,purge");
    cli
}

/// Returns a command line for the certificates of the vault.
fn line(command: &str) -> String {
    format!("--vault payroll certificate {command}")
}

#[test]
fn certificates_are_created_shown_updated_and_listed() {
    let cli = cli();
    assert_eq!(cli.run(&line("list")).err, "vaults/payroll has no certificates\n");
    let made =
        cli.json(&line("create web --subject CN=www.example.com --dns www.example.com --kty EC --tag a=b"));
    assert_eq!(made["name"], "vaults/payroll/certificates/web/pending");
    let operation = cli.ok(&line("operation show web"));
    assert!(operation.contains("\nstatus       completed\n"), "{operation}");
    let shown = cli.json(&line("show WEB"));
    assert_eq!(
        (&shown["subject"], &shown["issuer"]),
        (&json!("CN=www.example.com"), &json!("CN=www.example.com"))
    );
    assert_eq!((&shown["tags"], &shown["policy"]["key_props"]["kty"]), (&json!({"a": "b"}), &json!("EC")));
    let text = cli.ok(&line("show web"));
    for field in [
        "\nsubject            CN=www.example.com\n",
        "\npolicy key         EC P-256\n",
        "\ntags               a=b\n",
    ] {
        assert!(text.contains(field), "{field}{text}");
    }
    let id = shown["policy"]["id"].as_str().unwrap();
    assert_eq!(id, "vaults/payroll/certificates/web/policy");
    // The file has the certificate that OpenSSL reads, and no private key.
    assert_eq!(cli.ok(&line("show web --out web.pem")), "");
    cli.ok(&line("show web --out web.der --format der"));
    cli.openssl("verify -check_ss_sig -CAfile web.pem web.pem");
    assert_eq!(cli.openssl("x509 -in web.pem -outform DER"), cli.read("web.der"));
    assert_eq!(super::base64url(&shown["certificate"]), cli.read("web.der"));
    let fingerprint = String::from_utf8(cli.openssl("x509 -in web.pem -noout -fingerprint -sha1")).unwrap();
    assert!(
        fingerprint.trim().replace(':', "").ends_with(shown["thumbprint"].as_str().unwrap()),
        "{fingerprint}"
    );
    let serial = String::from_utf8(cli.openssl("x509 -in web.pem -noout -serial")).unwrap();
    assert_eq!(serial.trim(), format!("serial={}", shown["serial_number"].as_str().unwrap()));

    // A new version by the same policy.
    cli.ok(&line("create web"));
    let versions = cli.json(&line("versions web"));
    assert_eq!((versions.as_array().unwrap().len(), &versions[0]["name"]), (2, &shown["name"]));
    let version = shown["name"].as_str().unwrap().rsplit('/').next().unwrap();
    assert_eq!(cli.json(&line(&format!("show web --version {version}")))["thumbprint"], shown["thumbprint"]);
    assert_eq!(
        cli.json(&format!("certificate show {}", shown["name"].as_str().unwrap()))["name"],
        shown["name"]
    );
    let updated = cli.json(&line("update web --enabled false --tag c=d"));
    assert_eq!((&updated["enabled"], &updated["tags"]), (&json!(false), &json!({"c": "d"})));
    let failure = cli.fails("--vault payroll secret show web");
    assert!(failure.contains("reason: SECRET_DISABLED"), "{failure}");
    let list = cli.json(&line("list"));
    assert_eq!(list[0]["name"], json!("vaults/payroll/certificates/web"));
    assert!(!members(&list[0]).contains(&"policy"), "{list}");
    let list = cli.ok(&line("list"));
    assert!(list.starts_with("NAME  ENABLED  UPDATED"), "{list}");
    let failure = cli.fails(&format!("--as reader {}", line("show web")));
    assert!(failure.contains("reason: PERMISSION_NOT_GRANTED"), "{failure}");
}

#[test]
fn policy_of_az_is_read_and_changed_by_options() {
    let cli = cli();
    cli.write("policy.json", DEFAULT_POLICY);
    cli.ok(&line("create web --policy policy.json --subject CN=web --content-type application/x-pem-file"));
    let policy = cli.json(&line("policy show web"));
    assert_eq!(policy["x509_props"]["subject"], "CN=web");
    assert_eq!(policy["x509_props"]["key_usage"], json!(["cRLSign", "digitalSignature"]));
    assert_eq!(policy["secret_props"], json!({"contentType": "application/x-pem-file"}));
    assert_eq!(policy["lifetime_actions"][0]["trigger"], json!({"days_before_expiry": 90}));
    assert_eq!(policy["key_props"]["reuse_key"], true);
    // Options change members of the current policy, a file replaces them.
    let changed = cli.json(&line("policy set web --months 24 --issuer Unknown"));
    assert_eq!(
        (&changed["x509_props"]["subject"], &changed["x509_props"]["validity_months"]),
        (&json!("CN=web"), &json!(24))
    );
    assert_eq!(
        (&changed["key_props"], &changed["issuer"]),
        (&policy["key_props"], &json!({"name": "Unknown"}))
    );
    cli.write("x509.json", r#"{"x509_props": {"subject": "CN=other"}}"#);
    let changed = cli.json(&line("policy set web --policy x509.json"));
    assert_eq!(changed["x509_props"]["validity_months"], 12);
    assert_eq!(changed["issuer"], json!({"name": "Unknown"}));
    // What `show` prints can be set again.
    cli.write("shown.json", policy.to_string());
    let again = cli.json(&line("policy set web --policy shown.json"));
    for member in ["key_props", "secret_props", "x509_props", "lifetime_actions", "issuer"] {
        assert_eq!(again[member], policy[member], "{member}");
    }
    let text = cli.ok(&line("policy show web"));
    assert!(text.contains("\npolicy action      AutoRenew 90 days before expiry\n"), "{text}");
    cli.write("wrong.json", r#"{"key": {"size": 2048}}"#);
    let failure = cli.fails(&line("create other --policy wrong.json"));
    assert!(failure.contains("wrong.json: unknown field `key`"), "{failure}");
    assert_eq!(cli.run(&line("policy set web")).code, 2);
    let failure = cli.fails(&line("create other --months 3"));
    assert!(failure.contains("policy.x509.subject"), "{failure}");
}

#[test]
fn request_is_signed_with_openssl_and_merged() {
    let cli = cli();
    cli.ok(&line("create web --subject CN=web --kty EC --issuer Unknown --csr web.csr"));
    assert_eq!(cli.ok(&line("operation csr web")).as_bytes(), cli.read("web.csr"));
    cli.openssl("req -in web.csr -noout -verify");
    let failure = cli.fails(&line("show web --out web.pem"));
    assert!(failure.contains("is not issued yet"), "{failure}");
    assert_eq!(cli.run(&line("list")).err, "vaults/payroll has no certificates\n");
    assert_eq!(cli.json(&line("list --include-pending")).as_array().unwrap().len(), 1);
    let cancelled = cli.ok(&line("operation cancel web"));
    assert!(cancelled.contains("\ncancellation  requested\n"), "{cancelled}");
    cli.openssl("ecparam -name prime256v1 -genkey -noout -out ca.key");
    cli.openssl("req -x509 -new -key ca.key -subj /CN=Authority -days 30 -out ca.pem");
    cli.openssl(
        "x509 -req -in web.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 9 -outform DER -out web.der",
    );
    let failure = cli.fails(&line("merge web --file web.csr"));
    assert!(failure.contains("web.csr: no certificate in PEM or DER found"), "{failure}");
    let merged = cli.json(&line("merge web --file web.der --file ca.pem --tag a=b"));
    assert_eq!((&merged["issuer"], &merged["tags"]), (&json!("CN=Authority"), &json!({"a": "b"})));
    cli.ok(&line("show web --out web.pem"));
    cli.openssl("verify -CAfile ca.pem web.pem");
    cli.ok(&line("operation delete web"));
    let failure = cli.fails(&line("operation show web"));
    assert!(failure.contains("reason: PENDING_CERTIFICATE_NOT_FOUND"), "{failure}");
}

#[test]
fn files_are_imported_with_passwords_from_files_and_terminals() {
    let cli = cli();
    cli.openssl(
        "req -x509 -newkey rsa:2048 -nodes -subj /CN=imported -days 30 -keyout key.pem -out cert.pem",
    );
    cli.openssl("pkcs12 -export -inkey key.pem -in cert.pem -passout pass:hunter2 -out both.pfx");
    cli.write("both.pem", [cli.read("key.pem"), cli.read("cert.pem")].concat());
    cli.write("password.txt", "hunter2\n");
    let made = cli.json(&line("import pfx --file both.pfx --password-file password.txt --tag a=b"));
    assert_eq!((&made["subject"], &made["tags"]), (&json!("CN=imported"), &json!({"a": "b"})));
    let answer = cli.pipe(&line("import piped --file both.pfx --password-file -"), b"hunter2");
    assert_eq!(answer.code, 0, "{answer:?}");
    let answer = cli.pipe(&line("import pem --file - --exportable false"), &cli.read("both.pem"));
    assert_eq!(answer.code, 0, "{answer:?}");
    assert!(!cli.ok("--vault payroll secret show pem --raw").contains("PRIVATE KEY"));
    cli.ok(&line(
        "import converted --file both.pfx --password-file password.txt --content-type application/x-pem-file",
    ));
    cli.ok("--vault payroll secret show converted --out secret.pem");
    assert_eq!(cli.openssl("pkey -in secret.pem -pubout"), cli.openssl("x509 -in cert.pem -noout -pubkey"));
    let mode = cli.directory.path().join("secret.pem").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // Errors quote neither password nor file.
    cli.write("wrong.txt", "hunter3");
    let failure = cli.fails(&line("import other --file both.pfx --password-file wrong.txt"));
    assert!(failure.contains("PKCS#12") && !failure.contains("hunter"), "{failure}");
    assert_eq!(cli.run(&line("import other --file - --password-file -")).code, 2);
    let (answer, shown) = typed(&cli, &line("import typed --file both.pfx --ask-password"), "hunter2\n");
    assert_eq!(answer.code, 0, "{answer:?} {shown:?}");
    assert!(shown.contains("Password (not shown):") && !shown.contains("hunter2"), "{shown:?}");
}

/// Runs a command at a terminal, and types a line when the program asks. Returns the answer and what the terminal shows.
fn typed(cli: &Cli, line: &str, typed: &str) -> (Answer, String) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let terminal = openpt(flags).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let (stdin, stderr) =
        (ioctl_tiocgptpeer(&terminal, flags).unwrap(), ioctl_tiocgptpeer(&terminal, flags).unwrap());
    let mut command = cli.strongroom();
    command.args(line.split(' ')).stdin(stdin).stdout(Stdio::piped()).stderr(stderr);
    let child = command.spawn().unwrap();
    // Otherwise the terminal stays open in this process.
    drop(command);
    let mut terminal = File::from(terminal);
    let (mut shown, mut buffer, mut is_typed) = (String::new(), [0; 4096], false);
    // The read ends with an error when the program, the last user of the terminal, has ended.
    while let Ok(length @ 1..) = terminal.read(&mut buffer) {
        shown += &String::from_utf8_lossy(&buffer[..length]);
        if shown.contains("(not shown):") && !is_typed {
            terminal.write_all(typed.as_bytes()).unwrap();
            is_typed = true;
        }
    }
    (Answer::of(child.wait_with_output().unwrap()), shown)
}

#[test]
fn contacts_and_issuers_are_managed() {
    let cli = cli();
    let failure = cli.fails(&line("contacts show"));
    assert!(failure.contains("reason: CERTIFICATE_CONTACTS_NOT_FOUND"), "{failure}");
    let contacts = cli.json(&line("contacts set --contact a@example.com,Jo,555 --contact b@example.com"));
    let expected = json!([
        {"email": "a@example.com", "name": "Jo", "phone": "555"},
        {"email": "b@example.com", "name": null, "phone": null},
    ]);
    assert_eq!(contacts, expected);
    assert_eq!(
        cli.ok(&line("contacts show")),
        "EMAIL          NAME  PHONE\na@example.com  Jo    555\nb@example.com\n"
    );
    assert_eq!(cli.json(&line("contacts delete")), contacts);
    assert_eq!(cli.run(&line("issuer list")).err, "vaults/payroll has no issuers\n");
    let made = cli
        .json(&line("issuer set acme --provider DigiCert --account-id me --administrator jo@example.com,Jo"));
    assert_eq!((&made["name"], &made["enabled"]), (&json!("vaults/payroll/issuers/acme"), &json!(true)));
    assert_eq!(made["administrators"][0]["first_name"], "Jo");
    let updated = cli.json(&line("issuer update acme --enabled false --clear-administrators"));
    assert_eq!((&updated["enabled"], &updated["administrators"]), (&json!(false), &json!([])));
    assert_eq!(updated["account_id"], "me");
    let text = cli.ok(&line("issuer show acme"));
    assert!(text.contains("\nprovider  DigiCert\n"), "{text}");
    assert_eq!(cli.ok(&line("issuer list")), "NAME  PROVIDER\nacme  DigiCert\n");
    cli.ok(&line("issuer delete acme"));
    let failure = cli.fails(&line("issuer show acme"));
    assert!(failure.contains("reason: CERTIFICATE_ISSUER_NOT_FOUND"), "{failure}");
}

#[test]
fn certificates_are_deleted_recovered_and_purged() {
    let cli = cli();
    cli.ok(&line("create web --subject CN=web --kty EC"));
    let shown = cli.json(&line("show web"));
    let deleted = cli.json(&line("delete web"));
    assert_eq!(deleted["certificate"]["thumbprint"], shown["thumbprint"]);
    assert_eq!(deleted, cli.json(&line("show-deleted web")));
    let list = cli.ok(&line("list-deleted"));
    assert!(list.starts_with("NAME  DELETED") && list.contains("\nweb "), "{list}");
    let failure = cli.fails(&line("create web --subject CN=web"));
    assert!(failure.contains("reason: CERTIFICATE_DELETED_BUT_RECOVERABLE"), "{failure}");
    assert_eq!(cli.json(&line("recover web")), shown);
    cli.ok(&line("delete vaults/payroll/certificates/web"));
    let purged = cli.ok(&line("purge vaults/payroll/deletedCertificates/web"));
    assert_eq!(purged, "purged vaults/payroll/deletedCertificates/web\n");
    assert_eq!(cli.run(&line("list-deleted")).err, "vaults/payroll has no deleted certificates\n");
}

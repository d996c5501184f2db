//! Tests the output for other programs: `strongroom env` and `strongroom hosts`.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::Cli;

/// Returns the environment of a shell after it has evaluated the output of a command.
fn evaluated(cli: &Cli, line: &str) -> Value {
    let printed = cli.ok(line);
    let script =
        format!("{printed}\nenv -0 | tr '\\0' '\\n' | grep -E '^(AZURE_|IDENTITY_|[A-Z_]*(BUNDLE|CERT))'");
    let output = Command::new("sh")
        .args(["-euc", &script])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("AZURE_CLIENT_SECRET", "of another cloud")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let pairs = text.lines().map(|line| line.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), json!(value))).collect::<serde_json::Map<_, _>>().into()
}

#[test]
fn env_prints_same_variables_in_every_format() {
    let cli = Cli::new();
    let connection = cli.server.connection();
    let port = connection.endpoint.rsplit(':').next().unwrap();
    let url = format!("https://local.managedhsm.localhost:{port}");
    let (bundle, ca) = (cli.server.directory().join("ca-bundle.pem"), connection.ca_file);
    let user = cli.server.principal("crypto-user");
    let expected = json!({
        "AZURE_AUTHORITY_HOST": connection.authority, "AZURE_TENANT_ID": connection.tenant_id,
        "AZURE_CLIENT_ID": user.client_id, "AZURE_CLIENT_SECRET": user.client_secret,
        "AZURE_SUBSCRIPTION_ID": connection.subscription_id, "AZURE_KEYVAULT_URL": url, "AZURE_MANAGEDHSM_URL": url,
        "REQUESTS_CA_BUNDLE": bundle, "CURL_CA_BUNDLE": bundle, "SSL_CERT_FILE": bundle, "NODE_EXTRA_CA_CERTS": ca,
        "AZURE_CORE_INSTANCE_DISCOVERY": "false",
    });
    let parsed = |line: &str| serde_json::from_str::<Value>(&cli.ok(line)).unwrap();
    assert_eq!(parsed("env --json --as crypto-user"), expected);
    assert_eq!(parsed("--output json env --as crypto-user"), expected);
    assert_eq!(evaluated(&cli, "env --as crypto-user"), expected);
    let dotenv = cli.ok("--as crypto-user env --dotenv");
    let pairs = dotenv.lines().map(|line| line.split_once('=').unwrap());
    let read: serde_json::Map<_, _> = pairs.map(|(name, value)| (name.to_owned(), json!(value))).collect();
    assert_eq!(Value::Object(read), expected);

    let other = parsed("env --json --hsm payroll --adfs");
    assert_eq!(other["AZURE_KEYVAULT_URL"], format!("https://payroll.managedhsm.localhost:{port}"));
    assert_eq!(other["AZURE_TENANT_ID"], "adfs");
    // The bundle that replaces the system's CA certificates includes them.
    let certificates = |file: &Path| std::fs::read_to_string(file).unwrap().matches("BEGIN CERT").count();
    assert!(certificates(&bundle) > certificates(&ca));
}

#[test]
fn env_sets_one_credential_type_and_unsets_others() {
    let cli = Cli::new();
    let with_certificate = evaluated(&cli, "env --certificate");
    let file = cli.server.directory().join("certificates/dev.pem");
    assert_eq!(with_certificate["AZURE_CLIENT_CERTIFICATE_PATH"], json!(file));
    assert_eq!(with_certificate["AZURE_CLIENT_SECRET"], Value::Null);
    let error = cli.fails("env --certificate --as nobody");
    assert!(error.contains("nobody has no certificate") && error.contains("certificate_file"), "{error}");

    let managed = evaluated(&cli, "env --managed-identity");
    for absent in ["AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"] {
        assert_eq!(managed[absent], Value::Null);
    }
    let host = managed["AZURE_POD_IDENTITY_AUTHORITY_HOST"].as_str().unwrap();
    assert_eq!(managed["IDENTITY_ENDPOINT"], format!("{host}/msi/token"));
    let secret = std::fs::read_to_string(cli.server.directory().join("authority/identity-header")).unwrap();
    assert_eq!(managed["IDENTITY_HEADER"], secret);

    let connection = cli.server.directory().join("connection.json");
    let mut json: Value = serde_json::from_slice(&std::fs::read(&connection).unwrap()).unwrap();
    json.as_object_mut().unwrap().remove("managed_identity").unwrap();
    std::fs::write(&connection, json.to_string()).unwrap();
    let error = cli.fails("env --managed-identity");
    assert!(error.contains("managed_identity_listen"), "{error}");
    assert_eq!(cli.run("env --managed-identity --certificate").code, 2);
}

#[test]
fn hosts_prints_a_line_for_each_container() {
    let cli = Cli::new();
    let own = "127.0.0.1 login.localhost management.localhost # strongroom\n";
    let local = "127.0.0.1 local.managedhsm.localhost # strongroom\n";
    let demo = "127.0.0.1 demo.vault.localhost # strongroom\n";
    assert_eq!(cli.ok("hosts"), format!("{own}{local}{demo}"));
    // Not `ok`: a hint on standard error says that the HSM must be activated.
    assert_eq!(cli.run("hsm create payroll --administrator dev").code, 0);
    let payroll = "127.0.0.1 payroll.managedhsm.localhost # strongroom\n";
    assert_eq!(cli.ok("hosts"), format!("{own}{local}{payroll}{demo}"));
    let lines = cli.json("hosts");
    assert_eq!(lines[2], json!({"address": "127.0.0.1", "names": ["payroll.managedhsm.localhost"]}));

    let drop_in = cli.run("hosts local --drop-in");
    let services = "login.localhost login.microsoftonline.com management.localhost management.azure.com";
    let azure = format!(
        "127.0.0.1 {services} graph.microsoft.com # strongroom\n\
         127.0.0.1 local.managedhsm.localhost local.managedhsm.azure.net # strongroom\n"
    );
    assert_eq!((drop_in.code, drop_in.out), (0, azure));
    assert!(drop_in.err.contains("port 443"), "{}", drop_in.err);
    let vault = cli.run("hosts vaults/contoso --drop-in").out;
    assert!(
        vault.ends_with("\n127.0.0.1 contoso.vault.localhost contoso.vault.azure.net # strongroom\n"),
        "{vault}"
    );
    // This role is about managed HSMs only.
    let contributor = cli.run("--as contributor hosts");
    assert_eq!(contributor.out, format!("{own}{local}{payroll}"));
    assert!(contributor.err.contains("vaults are left out"), "{}", contributor.err);

    // Callers without the right to list managed HSMs can name them instead.
    assert!(cli.fails("--as crypto-user hosts").contains("hint: name the managed HSMs and vaults"));
    assert_eq!(cli.ok("--as crypto-user hosts local"), format!("{own}{local}"));
}

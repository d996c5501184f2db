//! Tests commands about the program and its server: access tokens, random bytes, health, clock, configuration, modules.

use std::path::Path;

use super::{Answer, Cli, answer, base64url};
use crate::support::strongroom;

/// Runs a command line in a directory, without the options of a server.
fn run_in(directory: &Path, line: &str, environment: &[(&str, &str)]) -> Answer {
    answer(strongroom().args(line.split(' ')).current_dir(directory).envs(environment.iter().copied()))
}

#[test]
fn prints_access_tokens_random_bytes_and_health() {
    let cli = Cli::new();
    let token = cli.ok("token --as crypto-user");
    let claims = token.split('.').nth(1).unwrap().to_owned();
    let claims: serde_json::Value = serde_json::from_slice(&base64url(&claims.into())).unwrap();
    let user = cli.server.principal("crypto-user");
    assert_eq!((&claims["oid"], &claims["appid"]), (&user.object_id.into(), &user.client_id.into()));
    let issued = cli.json("token");
    assert_eq!((&issued["token_type"], &issued["expires_in"]), (&"Bearer".into(), &3599.into()));

    for count in [1, 16, 128] {
        let text = cli.ok(&format!("random {count}"));
        assert_eq!(base64url(&text.trim().into()).len(), count);
    }
    assert_eq!(base64url(&cli.json("random 32")["value"]).len(), 32);
    assert_ne!(cli.ok("random 16"), cli.ok("random 16"));
    assert!(cli.fails("--as nobody random 8").contains("managedHsm/rng/action at /"));
    assert_eq!(cli.ok("healthcheck"), "serving\n");
    assert_eq!(cli.json("healthcheck")["status"], "serving");
}

#[test]
fn clock_advance_prints_due_work() {
    let cli = Cli::new();
    let before: jiff::Timestamp = cli.json("clock show")["now"].as_str().unwrap().parse().unwrap();
    cli.ok("key create invoices --kty EC-HSM");
    cli.ok("key delete invoices");
    assert_eq!(cli.json("clock advance 89d")["happened"], serde_json::json!([]));
    let advanced = cli.json("clock advance 24h");
    assert_eq!(advanced["happened"][0]["purged_key"], "hsms/local/deletedKeys/invoices");
    let now: jiff::Timestamp = advanced["now"].as_str().unwrap().parse().unwrap();
    assert_eq!((now - before).get_seconds() / 86_400, 90);
    assert_eq!(cli.json("clock freeze")["frozen"], true);
    assert!(cli.ok("clock show").ends_with("Z  (frozen)\n"));
    assert_eq!(cli.json("clock advance --to 2100-01-01 --force")["now"], "2100-01-01T00:00:00Z");
    assert_eq!(cli.json("clock resume")["frozen"], false);
    let error = cli.fails("clock advance --to 2099-01-01");
    assert!(error.contains("reason: BAD_PARAMETER"), "{error}");
    assert_eq!(cli.run("clock advance 1y").code, 2);
}

#[test]
fn simulator_is_located_by_dev_env_or_explicit_options() {
    let cli = Cli::new();
    cli.ok("key create invoices --kty EC-HSM");
    let elsewhere = tempfile::tempdir().unwrap();
    // By the file `dev.env`, which the banner names.
    let source = format!(
        ". '{}' && exec '{}' key list",
        cli.server.directory().join("dev.env").display(),
        strongroom().get_program().display()
    );
    let mut shell = std::process::Command::new("sh");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("STRONGROOM_")) {
        shell.env_remove(name);
    }
    let found = answer(shell.args(["-c", &source]).current_dir(&elsewhere));
    assert!(found.code == 0 && found.out.contains("invoices"), "{found:?}");

    // By explicit options: endpoint, CA file, HSM and access token.
    let (connection, token) = (cli.server.connection(), cli.ok("token"));
    let line = format!(
        "key list --endpoint {} --ca-file {} --hsm {}",
        connection.endpoint,
        connection.ca_file.display(),
        connection.hsm
    );
    let found = run_in(elsewhere.path(), &line, &[("STRONGROOM_TOKEN", token.trim())]);
    assert!(found.code == 0 && found.out.contains("invoices"), "{found:?}");
    let forged = run_in(elsewhere.path(), &line, &[("STRONGROOM_TOKEN", "eyJ.nonsense")]);
    assert!(forged.code == 1 && forged.err.contains("reason: UNAUTHENTICATED"), "{forged:?}");
    assert!(!forged.err.contains("eyJ"), "{forged:?}");
    // A server whose certificate is not trusted gets no request.
    let line = format!("key list --endpoint {} --hsm local", connection.endpoint);
    let untrusted = run_in(elsewhere.path(), &line, &[("STRONGROOM_TOKEN", token.trim())]);
    assert!(untrusted.code == 1 && untrusted.err.contains("is not trusted"), "{untrusted:?}");
}

#[test]
fn access_token_audience_matches_the_called_plane() {
    let cli = Cli::new();
    let connection = cli.server.connection();
    for (line, audience) in [
        ("token", &connection.audience),
        ("token --plane data", &connection.audience),
        ("token --plane control", &connection.management_audience),
    ] {
        let claims = cli.ok(line).split('.').nth(1).unwrap().to_owned();
        let claims: serde_json::Value = serde_json::from_slice(&base64url(&claims.into())).unwrap();
        assert_eq!(&claims["aud"], audience, "{line}");
    }
    // Connections to the simulator carry secrets, so they ignore proxies of the environment.
    let proxies = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"].map(|name| (name, "http://127.0.0.1:1"));
    let proxied = answer(cli.strongroom().args(["key", "list"]).envs(proxies));
    assert_eq!(proxied.code, 0, "{proxied:?}");
    // Access tokens of the environment are sent unchanged, each to its plane.
    let directory = tempfile::tempdir().unwrap();
    let (data, control) = (cli.ok("token"), cli.ok("token --plane control --as owner"));
    let (data, control) =
        (("STRONGROOM_TOKEN", data.trim()), ("STRONGROOM_MANAGEMENT_TOKEN", control.trim()));
    let server = format!(
        "--endpoint {} --ca-file {} --hsm local --subscription {}",
        connection.endpoint,
        connection.ca_file.display(),
        connection.subscription_id
    );
    let (keys, groups) = (format!("key list {server}"), format!("group list {server}"));
    for line in [&keys, &groups] {
        let found = run_in(directory.path(), line, &[data, control]);
        assert_eq!(found.code, 0, "{line}: {found:?}");
    }
    let refused = run_in(directory.path(), &groups, &[data]);
    assert!(refused.code == 1 && refused.err.contains("is for another audience"), "{refused:?}");
    assert!(refused.err.contains("STRONGROOM_MANAGEMENT_TOKEN"), "{refused:?}");
    let none = run_in(directory.path(), &keys, &[control]);
    assert!(none.code == 1 && none.err.contains("there is no access token"), "{none:?}");
}

#[test]
fn second_server_in_a_data_directory_is_rejected() {
    let cli = Cli::new();
    let directory = cli.server.directory();
    let line = format!("serve --dev --listen 127.0.0.1:0 --data-dir {}", directory.display());
    let second = run_in(cli.directory.path(), &line, &[]);
    assert_eq!((second.code, second.out.as_str()), (1, ""));
    assert!(second.err.contains("is in use by another strongroom"), "{second:?}");
    let endpoint = cli.server.connection().endpoint;
    let listen = endpoint.trim_start_matches("https://");
    let third = run_in(cli.directory.path(), &format!("serve --dev --listen {listen} --data-dir other"), &[]);
    assert!(
        third.code == 1 && third.err.contains(&format!("cannot listen on {listen} (--listen")),
        "{third:?}"
    );
}

#[test]
fn config_is_checked_and_shown() {
    let directory = tempfile::tempdir().unwrap();
    let run = |line: &str, environment: &[(&str, &str)]| run_in(directory.path(), line, environment);
    let checked = run("config check --dev", &[]);
    assert_eq!((checked.code, checked.err.as_str()), (0, "the configuration is valid\n"));

    // The output of `config show` is an equivalent configuration.
    let shown = run("config show --dev --listen 127.0.0.1:7", &[("STRONGROOM_AUDIT__DURABILITY", "relaxed")]);
    assert!(shown.out.contains("listen = \"127.0.0.1:7\"") && shown.out.contains("durability = \"relaxed\""));
    std::fs::write(directory.path().join("shown.toml"), &shown.out).unwrap();
    assert_eq!(run("config show --config shown.toml", &[]).out, shown.out);
    let json: serde_json::Value = serde_json::from_str(&run("-o json config show --dev", &[]).out).unwrap();
    assert_eq!((&json["mode"], &json["server"]["max_connections"]), (&"simulator".into(), &4096.into()));

    // Errors name the position, on separate lines.
    std::fs::write(directory.path().join("wrong.toml"), "mode = \"simulator\"\n[server]\nport = 1\n")
        .unwrap();
    let wrong = run("config check --config wrong.toml", &[]);
    assert_eq!((wrong.code, wrong.out.as_str()), (1, ""));
    assert!(wrong.err.contains("wrong.toml: TOML parse error at line 3, column 1\n"), "{}", wrong.err);
    let wrong = run("config check --dev", &[("STRONGROOM_SERVER__LISTENN", "x")]);
    assert!(wrong.err.contains("STRONGROOM_SERVER__LISTENN: unknown field `listenn`"), "{}", wrong.err);
    assert!(!wrong.err.contains('\u{fffd}'), "{}", wrong.err);
    let gateway = run("serve", &[]);
    assert_eq!(gateway.code, 1);
    assert!(gateway.err.contains("strongroom serve --dev"), "{}", gateway.err);
}

#[test]
fn doctor_reports_module_capabilities() {
    let directory = tempfile::tempdir().unwrap();
    let module = strongroom::token::Profile::named("softhsm").unwrap().find_module().unwrap();
    let line = format!("doctor --module {}", module.display());
    let report = run_in(directory.path(), &line, &[]);
    assert_eq!((report.code, report.err.as_str()), (0, ""));
    assert!(report.out.contains("SoftHSM") && report.out.contains("capabilities\n"), "{}", report.out);
    let report = run_in(directory.path(), &format!("--output json {line}"), &[]);
    let json: serde_json::Value = serde_json::from_str(&report.out).unwrap();
    let features = json["capabilities"].as_object().unwrap();
    assert!(features.len() >= 20 && features.values().all(|support| support != "no"), "{features:?}");

    let wrong = run_in(directory.path(), "doctor --module /nowhere/module.so", &[]);
    assert_eq!((wrong.code, wrong.out.as_str()), (1, ""));
    assert!(wrong.err.contains("/nowhere/module.so"), "{}", wrong.err);
}

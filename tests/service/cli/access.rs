//! Tests `strongroom role` and `strongroom access` with role and principal names.

use super::{Cli, members};

#[test]
fn roles_are_listed_shown_and_created_by_name() {
    let cli = Cli::new();
    let list = cli.json("role definition list");
    assert!(list.as_array().unwrap().iter().all(|role| role["type"] == "AKVBuiltInRole"));
    let user = cli.json("role definition show crypto-user");
    assert!(list.as_array().unwrap().contains(&user));
    assert_eq!(user["role_name"], "Managed HSM Crypto User");
    assert_eq!(cli.json(&format!("role definition show {}", user["id"].as_str().unwrap())), user);
    let text = cli.ok("role definition show crypto-user");
    assert!(text.contains("grants  Microsoft.KeyVault/managedHsm/keys/sign/action\n"), "{text}");

    let signer = cli
        .json("role definition create Signer --data-action keys/sign,keys/* --not-data-action keys/delete");
    assert_eq!((&signer["role_name"], &signer["type"]), (&"Signer".into(), &"CustomRole".into()));
    assert_eq!(
        signer["permissions"][0]["data_actions"],
        serde_json::json!([
            "Microsoft.KeyVault/managedHsm/keys/sign/action",
            "Microsoft.KeyVault/managedHsm/keys/*"
        ])
    );
    let id = signer["id"].as_str().unwrap();
    let replaced = cli.json(&format!(
        "role definition create Signer --id {id} --data-action keys/sign --description signs"
    ));
    assert_eq!((&replaced["id"], &replaced["description"]), (&signer["id"], &"signs".into()));
    assert_eq!(cli.json("role definition delete signer")["id"], signer["id"]);
    for (line, message) in [
        (
            "role definition show signer",
            "there is no role \"signer\"\nhint: available roles: Managed HSM Administrator, ",
        ),
        ("role definition delete crypto-user", "is built in and cannot be changed or deleted"),
        (
            "--as crypto-user role definition create R --data-action keys/sign",
            "roleDefinitions/write/action at /",
        ),
    ] {
        let error = cli.fails(line);
        assert!(error.contains(message), "{line}\n{error}");
    }
}

#[test]
fn role_assignments_are_created_and_deleted() {
    let cli = Cli::new();
    cli.write("file", "x");
    cli.ok("key create invoices --kty EC-HSM");
    cli.ok("key create others --kty EC-HSM");
    let sign = |key: &str| format!("--as nobody key sign {key} --alg ES256 --file file");
    cli.fails(&sign("invoices"));
    let given =
        cli.json("role assignment create --role crypto-user --assignee nobody --scope /keys/invoices");
    let shown = members(&given);
    assert_eq!(
        shown,
        ["id", "name", "principal_id", "principal_name", "role_definition", "role_name", "scope"]
    );
    assert_eq!((&given["principal_name"], &given["scope"]), (&"nobody".into(), &"/keys/invoices".into()));
    cli.ok(&sign("invoices"));
    let error = cli.fails(&sign("others"));
    assert!(error.contains("keys/sign/action at /keys/others"), "{error}");

    let list = "role assignment list --assignee nobody";
    assert_eq!(cli.json(list), serde_json::json!([given]));
    assert!(
        cli.ok("role assignment list --scope /keys/invoices").contains("nobody     Managed HSM Crypto User")
    );
    let error =
        cli.fails("role assignment create --role crypto-user --assignee nobody --scope /keys/invoices");
    assert!(error.contains("reason: ROLE_ASSIGNMENT_MATCHES"), "{error}");
    let id = given["id"].as_str().unwrap();
    assert_eq!(cli.json(&format!("role assignment delete {id}")), given);
    cli.fails(&sign("invoices"));
    assert_eq!(cli.json(list), serde_json::json!([]));
    for (line, message) in [
        (format!("role assignment delete {id}"), "reason: ROLE_ASSIGNMENT_NOT_FOUND"),
        ("role assignment create --role signer --assignee nobody --scope /".to_owned(), "there is no role"),
        (
            "role assignment create --role crypto-user --assignee eve --scope /".to_owned(),
            "no principal \"eve\"",
        ),
        (
            "--as crypto-user role assignment create --role crypto-user --assignee nobody --scope /"
                .to_owned(),
            "(action Microsoft.KeyVault/managedHsm/roleAssignments/write/action at /, principal ",
        ),
    ] {
        let error = cli.fails(&line);
        assert!(error.contains(message), "{line}\n{error}");
    }
}

#[test]
fn access_check_reports_result_in_exit_code() {
    let cli = Cli::new();
    let refused = "access check --principal crypto-officer --action keys/sign --scope /keys/invoices";
    let answer = cli.run(refused);
    assert_eq!((answer.code, answer.err.as_str()), (1, ""));
    let missing = "refused: missing Microsoft.KeyVault/managedHsm/keys/sign/action";
    assert!(
        answer.out.starts_with(missing) && answer.out.contains("Managed HSM Crypto Officer"),
        "{answer:?}"
    );
    let answer = cli.run(&format!("--output json {refused}"));
    let value: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!((answer.code, &value["allowed"], &value["role_name"]), (1, &false.into(), &().into()));

    let allowed = "access check --principal crypto-user --action keys/sign --scope /keys/invoices";
    assert!(
        cli.ok(allowed).starts_with("allowed: Microsoft.KeyVault/managedHsm/keys/sign/action is granted by")
    );
    let value = cli.json(allowed);
    let shown = members(&value);
    assert_eq!(
        shown,
        ["action", "allowed", "principal_id", "reason", "role_assignment", "role_name", "scope"]
    );
    assert_eq!((&value["allowed"], &value["role_name"]), (&true.into(), &"Managed HSM Crypto User".into()));
    // Group membership is known only from access tokens, so the check takes groups as an option.
    let group = cli.server.principal("crypto-user").object_id;
    let nobody = "access check --principal nobody --action keys/sign --scope /keys";
    assert_eq!(cli.run(nobody).code, 1);
    cli.ok(&format!("{nobody} --group {group}"));
    assert_eq!(cli.run("access check --principal nobody --action keys/sing --scope /keys").code, 2);
}

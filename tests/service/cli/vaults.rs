//! Tests `strongroom vault`: vaults as resources, and their access policies.

use serde_json::json;

use super::{Cli, members};

#[test]
fn vaults_are_created_shown_updated_and_listed() {
    let cli = Cli::new();
    assert_eq!(cli.json("vault list")[0]["data_plane"], json!("vaults/demo"));
    cli.ok("vault delete demo");
    assert_eq!(cli.run("vault list").err, format!("{} has no vaults\n", subscription(&cli)));
    let made = cli.json("vault create Payroll --retention-days 7 --sku Premium --tag team=billing");
    assert_eq!(
        members(&made),
        [
            "access_policies",
            "created",
            "data_plane",
            "enabled_for_deployment",
            "enabled_for_disk_encryption",
            "enabled_for_template_deployment",
            "location",
            "name",
            "network",
            "purge_protection",
            "rbac_authorization",
            "recovery_level",
            "retention_days",
            "sku",
            "soft_delete",
            "tags",
            "tenant_id",
            "updated",
            "virtual_network_rules",
        ]
    );
    assert_eq!((&made["sku"], &made["retention_days"]), (&json!("premium"), &json!(7)));
    assert_eq!((&made["rbac_authorization"], &made["data_plane"]), (&json!(true), &json!("vaults/Payroll")));
    assert_eq!(cli.json("--as reader vault show PAYROLL"), made);
    assert_eq!(cli.json("vault list"), json!([made]));
    assert_eq!(cli.json("vault list --resource-group dev"), json!([made]));

    let changed = cli.json("vault update payroll --purge-protection --sku standard --ip-rule 203.0.113.0/24");
    assert_eq!((&changed["purge_protection"], &changed["sku"]), (&json!(true), &json!("standard")));
    assert_eq!(changed["tags"], json!({"team": "billing"}));
    let changed = cli.json("vault update payroll --permission-model access-policies --clear-tags");
    assert_eq!((&changed["rbac_authorization"], &changed["tags"]), (&json!(false), &json!({})));
    // Network settings that are not given keep their values.
    let changed = cli.json("vault update payroll --public-network-access disabled");
    assert_eq!(changed["network"]["ip_rules"], json!(["203.0.113.0/24"]));
    assert_eq!(changed["network"]["public_network_access"], json!("Disabled"));
    assert_eq!(cli.json("vault create plain --access-policies")["rbac_authorization"], json!(false));
    let list = cli.ok("vault list");
    assert!(
        list.starts_with("NAME     LOCATION   SKU       PERMISSION MODEL  RETENTION  RECOVERY LEVEL\n"),
        "{list}"
    );
    assert!(
        list.contains("\nplain    localhost  standard  access policies   90 days    Recoverable+Purgeable\n"),
        "{list}"
    );

    for (line, message) in [
        ("vault create PLAIN", "a vault named plain exists already"),
        ("vault create x1x --location atlantis", "location: \"atlantis\" is not a location"),
        ("vault show missing", "vault not found"),
        ("--as contributor vault show payroll", "(action Microsoft.KeyVault/vaults/read at /"),
        (
            "group delete dev",
            "the resource group contains managed HSMs and vaults, which are soft-deleted with it: local, Payroll, plain",
        ),
    ] {
        let error = cli.fails(line);
        assert!(error.contains(message), "{line}\n{error}");
    }
}

#[test]
fn deleted_vaults_are_shown_recovered_and_purged() {
    let cli = Cli::new();
    let made = cli.json("vault create payroll --retention-days 7");
    cli.ok("vault create gone --retention-days 7");
    let deleted = cli.json("vault delete payroll");
    assert_eq!(members(&deleted), ["deleted_at", "name", "scheduled_purge_at", "vault"]);
    assert_eq!(deleted["vault"]["name"], made["name"]);
    assert_eq!(cli.json("vault show-deleted PAYROLL"), deleted);
    assert_eq!(cli.json("vault show-deleted payroll --location localhost"), deleted);
    assert_eq!(cli.json("vault list-deleted"), json!([deleted]));
    let shown = cli.ok("vault show-deleted payroll");
    assert!(shown.contains("\nscheduled purge   "), "{shown}");
    for (name, text) in [
        (
            "payroll",
            "payroll is not available: the name is in use by a deleted vault, which can be recovered or purged\n",
        ),
        ("gone", "gone is not available: the name is in use\n"),
        ("local", "local is available\n"),
    ] {
        assert_eq!(cli.ok(&format!("vault check-name {name}")), text);
    }
    let recovered = cli.json("vault recover payroll");
    assert_eq!((&recovered["name"], &recovered["created"]), (&made["name"], &made["created"]));
    let error = cli.fails("vault recover payroll");
    assert!(error.contains("there is no deleted vault payroll in "), "{error}");
    cli.ok("vault delete payroll");
    let name = deleted["name"].as_str().unwrap();
    assert!(cli.fails("--as contributor vault purge payroll --location localhost").contains("purge/action"));
    assert_eq!(cli.ok("vault purge payroll"), format!("purged {name}\n"));
    assert_eq!(cli.ok("vault check-name payroll"), "payroll is available\n");

    // The scheduled purge is an event of the clock.
    let gone = cli.json("vault delete gone");
    let advanced = cli.ok("clock advance 7d");
    let line = format!("  purged {}\n", gone["name"].as_str().unwrap());
    assert!(advanced.contains(&line), "{advanced}");
    assert_eq!(cli.run("vault list-deleted").err, "the subscription has no deleted vaults\n");
}

#[test]
fn access_policies_are_added_set_removed_and_deleted() {
    let cli = Cli::new();
    let tenant = cli.server.connection().tenant_id;
    let principal = cli.server.principal("crypto-user").object_id;
    cli.ok("vault create payroll --access-policies");
    let permissions = |line: &str| {
        let vault = cli.json(&format!("vault policy {line}"));
        let policies = vault["access_policies"].as_array().unwrap().clone();
        policies.into_iter().map(|one| json!([one["keys"], one["secrets"]])).collect::<Vec<_>>()
    };
    let set = cli.json("vault policy set payroll --principal crypto-user --keys Get,list --secrets all");
    assert_eq!(
        set["access_policies"],
        json!([{
            "tenant_id": tenant, "principal_id": principal, "application_id": null,
            "keys": ["Get", "list"], "secrets": ["all"], "certificates": null, "storage": null
        }])
    );
    let shown = cli.ok("vault show payroll");
    assert!(
        shown.contains(&format!("access policy     {principal}: keys Get,list; secrets all\n")),
        "{shown}"
    );
    assert_eq!(
        permissions("add payroll --principal crypto-user --keys get,sign"),
        [json!([["Get", "list", "sign"], ["all"]])]
    );
    // A list that is not given is kept; an empty one has no permissions.
    assert_eq!(permissions(&format!("set payroll --principal {principal} --keys=")), [json!([[], ["all"]])]);
    assert_eq!(
        permissions("set payroll --principal crypto-user --keys wrapKey"),
        [json!([["wrapKey"], ["all"]])]
    );
    assert_eq!(
        permissions("remove payroll --principal crypto-user --secrets all,purge"),
        [json!([["wrapKey"], []])]
    );
    let application = "57a6fa86-5ca6-5419-900e-a5be23357152";
    let two = permissions(&format!("set payroll --principal dev --application {application} --keys all"));
    assert_eq!(two, [json!([["wrapKey"], []]), json!([["all"], null])]);
    let error = cli.fails("vault policy delete payroll --principal dev");
    assert!(error.contains("the vault has no access policy for dev"), "{error}");
    assert_eq!(permissions("delete payroll --principal crypto-user"), [json!([["all"], null])]);
    let none = permissions(&format!("delete payroll --principal dev --application {application}"));
    assert_eq!(none, [] as [serde_json::Value; 0]);

    for (line, message) in [
        (
            "vault policy add payroll --principal dev --keys fly",
            "\"fly\" is not a permission for keys; they are all",
        ),
        ("vault policy add payroll --principal unknown-name --keys get", "unknown-name"),
        ("vault policy add missing --principal dev --keys get", "vault not found"),
        ("--as reader vault policy add payroll --principal dev --keys get", "accessPolicies/write"),
    ] {
        let error = cli.fails(line);
        assert!(error.contains(message), "{line}\n{error}");
    }
}

#[test]
fn access_check_prints_the_reason_and_sets_the_exit_code() {
    let cli = Cli::new();
    let principal = cli.server.principal("crypto-user").object_id;
    cli.ok("vault create payroll --access-policies");
    cli.ok("vault policy set payroll --principal crypto-user --secrets list");
    let check = "vault check-access payroll --principal crypto-user --action secrets";
    let allowed = cli.json(&format!("{check}/list --object secrets/a"));
    assert_eq!(
        members(&allowed),
        [
            "access_policy",
            "action",
            "allowed",
            "permission",
            "principal_id",
            "reason",
            "role_assignment",
            "role_name",
            "scope",
        ]
    );
    assert_eq!(allowed["access_policy"]["secrets"], json!(["list"]));
    // The permission is that of the request, not another one with the same data action.
    assert_eq!(allowed["permission"], "secrets list");
    let refused = cli.run(&format!("{check}/get"));
    let reason = format!(
        "refused: missing secrets get: the access policies of {principal} list for secrets only list\n"
    );
    assert_eq!((refused.code, refused.out), (1, reason));
    assert_eq!(cli.run(&format!("{check}/fly")).code, 2);
    assert_eq!(cli.run(&format!("{check}/get --object secrets")).code, 2);
}

fn subscription(cli: &Cli) -> String {
    format!("subscriptions/{}", cli.server.connection().subscription_id)
}

//! Tests `strongroom subscription`, `group`, `location` and `control`: the resources and roles of the control plane.

use serde_json::json;

use super::{Cli, members};

#[test]
fn subscriptions_groups_and_locations_are_shown_and_changed() {
    let cli = Cli::new();
    let shown = cli.json("subscription show");
    assert_eq!(members(&shown), ["display_name", "id", "name", "tenant_id", "undeletable"]);
    assert_eq!((&shown["display_name"], &shown["undeletable"]), (&json!("dev"), &json!(false)));
    assert_eq!(cli.json("--as reader subscription list"), json!([shown]));
    assert_eq!(cli.json("--as nobody subscription list"), json!([]));
    let changed = cli.json("subscription update --undeletable");
    assert_eq!(changed["undeletable"], json!(true));
    assert!(cli.ok("subscription show").contains("undeletable  true\n"));

    let made = cli.json("group create Team");
    assert_eq!((&made["resource_group"], &made["location"]), (&json!("Team"), &json!("localhost")));
    assert_eq!(cli.json("group show TEAM"), made);
    let europe = cli.strongroom().args(["group", "create", "far", "--location", "West Europe"]).output();
    assert!(europe.unwrap().status.success());
    let list = cli.ok("group list");
    let first: Vec<&str> = list.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(first, ["NAME", "dev", "far", "Team"], "{list}");
    assert!(list.contains("far   westeurope  "), "{list}");
    assert_eq!(cli.json("group delete team"), made);
    let tagged = cli.json("group update far --tag team=blue --tag cost=17");
    assert_eq!(tagged["tags"], json!({"team": "blue", "cost": "17"}));
    assert!(cli.ok("group show far").contains("tags      cost=17, team=blue\n"));
    assert_eq!(cli.json("group update far --clear-tags")["tags"], json!({}));
    assert_eq!(cli.json("group create near --tag a=b")["tags"], json!({"a": "b"}));
    cli.ok("group delete near");
    assert!(cli.ok("location list").contains("\nwesteurope          West Europe\n"));

    for (line, message) in [
        (
            "group delete dev",
            "the resource group contains managed HSMs and vaults, which are soft-deleted with it: local, demo",
        ),
        ("group show Team", "resource group not found"),
        ("group create far", "already exists"),
        ("group create x --location atlantis", "location: \"atlantis\" is not a location"),
        ("--as nobody group list", "(action Microsoft.Resources/subscriptions/resourceGroups/read at /"),
        (
            "--as nobody --subscription 7e570000-0000-4000-8000-000000000001 subscription show",
            "subscription not found",
        ),
    ] {
        let error = cli.fails(line);
        assert!(error.contains(message), "{line}\n{error}");
    }
    cli.ok("group delete dev --yes");
    assert_eq!(cli.json("hsm list"), json!([]));
    assert_eq!(cli.json("hsm list-deleted").as_array().unwrap().len(), 1);
}

#[test]
fn control_plane_roles_are_assigned_and_removed_by_name() {
    let cli = Cli::new();
    let list = cli.json("control role definition list");
    assert_eq!(list.as_array().unwrap().len(), 18);
    let contributor = cli.ok("control role definition show contributor");
    for line in ["grants       *\n", "except       Microsoft.Authorization/*/Write\n"] {
        assert!(contributor.contains(line), "{contributor}");
    }
    let by_id = cli.ok("control role definition show b24988ac-6180-42a0-ab88-20f7382dd24c --group dev");
    assert_eq!(by_id, contributor);
    cli.fails("--as nobody group show dev");

    let given = cli.json("control role assignment create --role reader --assignee nobody --group dev");
    assert_eq!((&given["role_name"], &given["principal_name"]), (&json!("Reader"), &json!("nobody")));
    cli.ok("--as nobody group show dev");
    let listed = cli.json("control role assignment list --assignee nobody");
    assert_eq!(members(&listed[0]), members(&given));
    assert_eq!(listed[0]["id"], given["id"]);
    let scope = given["scope"].as_str().unwrap();
    let id = given["id"].as_str().unwrap();
    assert_eq!(cli.json(&format!("control role assignment show {id} --scope {scope}")), given);
    assert_eq!(cli.json(&format!("control role assignment delete {id} --group dev")), given);
    cli.fails("--as nobody group show dev");
    assert_eq!(cli.json("control role assignment list --assignee nobody"), json!([]));

    let error = cli.fails("control role assignment create --role key-master --assignee nobody");
    assert!(error.contains("there is no role \"key-master\""), "{error}");
}

#[test]
fn custom_control_roles_are_created_assigned_and_deleted() {
    let cli = Cli::new();
    cli.ok("group create payroll");
    let role = "control role definition create Vault-reader --action Microsoft.KeyVault/vaults/read,*/delete \
                --not-action Microsoft.KeyVault/vaults/delete --data-action Microsoft.KeyVault/vaults/keys/read \
                --description reads --group payroll";
    let made = cli.json(role);
    assert_eq!(
        members(&made),
        ["assignable_scopes", "description", "id", "name", "permissions", "role_name", "type"]
    );
    assert_eq!((&made["type"], &made["role_name"]), (&json!("CustomRole"), &json!("Vault-reader")));
    let scope = made["assignable_scopes"][0].as_str().unwrap();
    assert!(scope.ends_with("/resourceGroups/payroll"), "{made}");
    assert_eq!(cli.json("control role definition show vault-reader --group payroll"), made);
    let text = cli.ok("control role definition show vault-reader --group payroll");
    for line in [
        "grants            Microsoft.KeyVault/vaults/read\n",
        "except            Microsoft.KeyVault/vaults/delete\n",
        "grants in vaults  Microsoft.KeyVault/vaults/keys/read\n",
        &format!("assignable at     {scope}\n"),
    ] {
        assert!(text.contains(line), "{text}");
    }
    let assign = "control role assignment create --role vault-reader --assignee nobody";
    let error = cli.fails(assign);
    assert!(error.contains("role_definition: this role can be assigned only at and below "), "{error}");
    let given = cli.json(&format!("{assign} --group payroll"));
    let error = cli.fails("control role definition delete vault-reader");
    assert!(error.contains("there are existing role assignments"), "{error}");
    let id = given["id"].as_str().unwrap();
    cli.ok(&format!("control role assignment delete {id} --group payroll"));
    assert_eq!(cli.json("control role definition delete vault-reader --group payroll"), made);
    let error = cli.fails("control role definition show vault-reader");
    assert!(error.contains("there is no role \"vault-reader\""), "{error}");
    let error = cli.run("control role definition create empty");
    assert_eq!(error.code, 2);
}

#[test]
fn control_check_reports_result_in_exit_code() {
    let cli = Cli::new();
    let check = |who: &str, action: &str| {
        let answer = cli.run(&format!("control check --principal {who} --action {action} --group dev"));
        (answer.code, answer.out)
    };
    let (code, output) = check("contributor", "Microsoft.KeyVault/managedHSMs/delete");
    assert!(code == 0 && output.contains("granted by role 'Managed HSM contributor'"), "{output}");
    let (code, output) = check("contributor", "Microsoft.Authorization/roleAssignments/write");
    assert!(code == 1 && output.starts_with("refused: missing "), "{output}");
}

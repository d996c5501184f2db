//! The vaults of the simulator's seed.

use serde_json::{Value, json};

use crate::arm::client::{Arm, SUBSCRIPTION};
use crate::authority::connection_file;
use crate::control::support::{create_group, delete_group, list_assignments, vault};
use crate::hsms::Container;
use crate::rest::client::Rest;
use crate::support::Server;
use crate::vaults;

const SEED: &str = include_str!("../../hsm-config/dev.toml");

/// Lists the names of the vaults as `az keyvault list` does.
async fn names(server: &Server) -> Vec<String> {
    let owner = Arm::authenticated(server, "owner").await;
    let list = owner.get(&format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/vaults")).await;
    list["value"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn simulator_has_a_vault_with_an_administrator() {
    let server = Server::start();
    let file = connection_file(&server);
    let port = server.connection().endpoint.rsplit(':').next().unwrap().to_owned();
    assert_eq!(
        (&file["vault"], &file["vault_audience"], &file["hosts"]["vaults"]),
        (
            &json!("demo"),
            &json!(format!("https://vault.localhost:{port}")),
            &json!(["vault.localhost", "vault.azure.net"])
        )
    );
    let dev = &file["principals"][0];
    assert!(dev["roles"].as_array().unwrap().contains(&json!("Key Vault Administrator")), "{dev}");

    let owner = Arm::authenticated(&server, "owner").await;
    assert_eq!(names(&server).await, ["demo"]);
    let id = format!("{SUBSCRIPTION}/resourceGroups/dev/providers/Microsoft.KeyVault/vaults/demo");
    let demo = owner.get(&id).await;
    let properties = &demo["properties"];
    assert_eq!(demo["location"], "localhost");
    assert_eq!(properties["sku"], json!({"family": "A", "name": "premium"}));
    assert_eq!(properties["enableRbacAuthorization"], json!(true));
    assert_eq!(properties["enablePurgeProtection"], Value::Null);
    assert_eq!(properties["vaultUri"], format!("https://demo.vault.localhost:{port}/"));

    let assignments = format!("{id}/providers/Microsoft.Authorization/roleAssignments");
    let roles = owner.get(&format!("{assignments}?$filter=atScope()")).await;
    let of_demo = roles["value"].as_array().unwrap().iter().filter(|one| one["properties"]["scope"] == id);
    let found: Vec<_> = of_demo.map(|one| &one["properties"]).collect();
    assert_eq!(found.len(), 1, "{roles}");
    let administrator = "00482a5a-887f-4fb3-b363-3b7fe8e74483";
    assert!(found[0]["roleDefinitionId"].as_str().unwrap().ends_with(administrator), "{found:?}");
    assert_eq!(found[0]["principalId"], server.principal("dev").object_id);

    // Its data plane is at the URI, and asks for the audience of `connection.json`.
    let host = format!("demo.vault.localhost:{port}");
    let answer = Rest::unauthenticated(&server).at_host(&host).get("/secrets").await;
    assert_eq!(answer.status, 401);
    let resource = format!("resource={}", file["vault_audience"]);
    assert!(answer.header("www-authenticate").ends_with(&resource), "{answer:?}");
}

#[tokio::test]
async fn vault_of_the_seed_is_created_once() {
    let mut server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    // Deleted with its resource group: neither is created again.
    delete_group(&mut owner, "dev").await.unwrap();
    server.restart();
    let mut owner = server.client("owner").await;
    assert_eq!(vaults::deleted_names(&mut owner, &container).await, ["demo"]);
    vaults::purge(&mut owner, container.deleted_vault("demo")).await.unwrap();
    server.restart();
    assert!(names(&server).await.is_empty());
    let mut owner = server.client("owner").await;
    assert!(vaults::deleted_names(&mut owner, &container).await.is_empty());
    // Its name is available.
    create_group(&mut owner, "dev").await;
    vaults::create(&mut owner, container.vault_request("demo")).await.unwrap();
    server.restart();
    let mut owner = server.client("owner").await;
    let administrator = server.principal("dev").object_id;
    let assigned = list_assignments(&mut owner, &vault("demo"), &administrator).await;
    assert!(assigned.iter().all(|one| !one.scope.contains("/vaults/")), "{assigned:?}");
}

/// The first start is that of a version without vaults in the seed, and without the names of vaults in the certificate.
#[tokio::test]
async fn data_directory_of_an_older_version_gets_the_vault() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("seed.toml");
    let (start, rest) = SEED.split_once("[[vault]]").unwrap();
    let (_, principals) = rest.split_once("\n# The default").unwrap();
    let older = format!("{start}# The default{principals}").replace("vault_roles = ", "#");
    std::fs::write(&file, older).unwrap();
    let environment = [
        ("STRONGROOM_SIMULATOR__SEED_FILE", file.to_str().unwrap()),
        ("STRONGROOM_NAMES__VAULTS", r#"["vault.localhost"]"#),
    ];
    let mut server = Server::start_in(directory, &[], &environment);
    assert_eq!(connection_file(&server)["vault"], Value::Null);
    assert!(names(&server).await.is_empty());
    let authority = std::fs::read(server.connection().ca_file).unwrap();
    assert!(server.stop().success());

    let server = Server::start_in_place(server, &[]);
    assert_eq!(connection_file(&server)["vault"], "demo");
    assert_eq!(names(&server).await, ["demo"]);
    assert_eq!(std::fs::read(server.connection().ca_file).unwrap(), authority);
    let log = server.log();
    assert!(log.contains("*.vault.azure.net") && log.contains("to create a new authority"), "{log}");
    let rest = Rest::unauthenticated(&server);
    let port = rest.base.rsplit(':').next().unwrap();
    let own = rest.at_host(&format!("demo.vault.localhost:{port}")).get("/secrets").await;
    assert_eq!(own.status, 401);
    let azure = format!("https://contoso.vault.azure.net:{port}/secrets");
    assert!(server.http().get(azure).send().await.is_err(), "the certificate does not have the name");
}

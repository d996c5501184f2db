//! Lists: page sizes, next links, and empty lists.

use serde_json::{Value, json};

use super::client::Rest;
use crate::support::Server;

/// Follows a list to its end as clients do: each next link with an `api-version` added. Returns the sizes of the
/// pages and the paths of the items.
async fn follow(caller: &Rest, path: &str) -> (Vec<usize>, Vec<String>) {
    let (mut sizes, mut found) = (Vec::new(), Vec::new());
    let mut page = caller.get(path).await.json(200);
    loop {
        let items = page["value"].as_array().unwrap();
        sizes.push(items.len());
        found.extend(items.iter().map(|item| caller.path(&item["kid"]).to_owned()));
        let Some(next) = page.get("nextLink") else { return (sizes, found) };
        let next = caller.path(next).replace('$', "%24");
        assert!(!next.contains("api-version"), "{next}");
        page = caller.get(&next).await.json(200);
    }
}

#[tokio::test]
async fn lists_are_paged_with_next_links() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    assert_eq!(dev.get("/keys").await.text, r#"{"value":[]}"#);
    let names: Vec<String> = (0..27).map(|number| format!("key-{number:02}")).collect();
    for name in &names {
        dev.create(name, json!({"kty": "oct-HSM", "key_size": 128})).await;
    }
    let paths: Vec<String> = names.iter().map(|name| format!("/keys/{name}")).collect();
    assert_eq!(follow(&dev, "/keys").await, (vec![25, 2], paths.clone()));
    assert_eq!(follow(&dev, "/keys?maxresults=9").await, (vec![9, 9, 9], paths.clone()));
    for name in &names[..7] {
        dev.delete(&format!("/keys/{name}")).await.json(200);
    }
    assert_eq!(follow(&dev, "/deletedkeys?maxresults=6").await, (vec![6, 1], paths[..7].to_vec()));
    assert_eq!(follow(&dev, "/keys?maxresults=20").await, (vec![20], paths[7..].to_vec()));

    let mut versions = vec![dev.get("/keys/key-20").await.json(200)];
    for _ in 0..4 {
        versions.push(dev.create("key-20", json!({"kty": "oct-HSM", "key_size": 128})).await);
    }
    let kids: Vec<String> =
        versions.iter().map(|version| dev.path(&version["key"]["kid"]).to_owned()).collect();
    assert_eq!(follow(&dev, "/keys/key-20/versions?maxresults=2").await, (vec![2, 2, 1], kids));

    // As recorded from Azure, these are not errors.
    for path in ["/keys/none/versions", "/keys/key-00/versions"] {
        assert_eq!(dev.get(path).await.text, r#"{"value":[]}"#, "{path}");
    }
    for query in ["maxresults=0", "maxresults=26", "maxresults=x", "$skiptoken=%2F"] {
        dev.get(&format!("/keys?{query}")).await.error(400, "BadParameter");
    }
}

#[tokio::test]
async fn links_name_the_host_of_the_request() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    for name in ["a", "b"] {
        dev.create(name, json!({"kty": "oct-HSM"})).await;
    }
    let other = dev.at_host("local.managedhsm.azure.net");
    let page = other.get("/keys?maxresults=1").await.json(200);
    assert_eq!(page["nextLink"], "https://local.managedhsm.azure.net/keys?maxresults=1&$skiptoken=a");
    assert_eq!(page["value"][0]["kid"], "https://local.managedhsm.azure.net/keys/a");
    let deleted = other.delete("/keys/a").await.json(200);
    assert_eq!(deleted["recoveryId"], "https://local.managedhsm.azure.net/deletedkeys/a");
    // Stored data contains no host name.
    let elsewhere = dev.get("/deletedkeys/a").await.json(200);
    assert_eq!(elsewhere["recoveryId"], Value::from(format!("{}/deletedkeys/a", dev.base)));
}

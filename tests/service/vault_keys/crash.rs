//! Kills the server while keys of a vault are created, backed up and restored: acknowledged keys remain, temporary objects
//! do not.

use std::time::Duration;

use strongroom::api::grpc::pb;

use super::backups::create_vault;
use super::{
    VAULT, assert_signs, backup, client, create, delete, get, key, live_names, purge, restore, start,
};
use crate::crash::count_objects;
use crate::support::Client;

/// Creates keys until the connection is lost, and returns the acknowledged ones.
async fn create_keys(mut client: Client, who: usize) -> Vec<pb::KeyBundle> {
    let mut made = Vec::new();
    for number in 0.. {
        match create(&mut client, VAULT, &format!("k{who}-{number}"), "EC").await {
            Ok(bundle) => made.push(bundle),
            Err(_) => break,
        }
    }
    made
}

/// Backs up the key `fixed` and restores it into the other vault, until the connection is lost.
async fn back_up_and_restore(mut client: Client) -> usize {
    for number in 0.. {
        let Ok(text) = backup(&mut client, VAULT, "fixed").await else { return number };
        if restore(&mut client, "vaults/other", &text).await.is_ok() {
            let _ = delete(&mut client, "vaults/other", "fixed").await;
            let _ = purge(&mut client, "vaults/other", "fixed").await;
        }
    }
    0
}

#[tokio::test]
async fn acknowledged_keys_survive_kills_and_temporary_objects_do_not() {
    let (mut server, mut dev) = start().await;
    create_vault(&server, &mut dev, "other", "localhost").await;
    assert!(server.stop().success());
    let without_keys = count_objects(&server).complete;
    server.start_again();
    let mut dev = client(&server, "dev").await;
    let fixed = create(&mut dev, VAULT, "fixed", "RSA").await.unwrap();
    let mut known = Vec::new();
    let mut backups = 0;
    for round in 0..4 {
        let writer = tokio::spawn(create_keys(dev.clone(), round));
        let copier = tokio::spawn(back_up_and_restore(dev.clone()));
        tokio::time::sleep(Duration::from_millis(250 + 90 * u64::try_from(round).unwrap())).await;
        server.kill();
        known.extend(writer.await.unwrap());
        backups += copier.await.unwrap();
        server.start_again();
        dev = client(&server, "dev").await;
    }
    assert!(known.len() >= 4 && backups >= 2, "{} keys, {backups} backups", known.len());
    for bundle in &known {
        assert_eq!(&get(&mut dev, &bundle.name).await.unwrap(), bundle);
    }
    let last = known.last().unwrap();
    assert_signs(&mut dev, &last.name, last).await;
    assert_signs(&mut dev, &key("fixed"), &fixed).await;
    // Without keys, the token of each vault is as it was.
    let others = live_names(&mut dev, "vaults/other").await;
    for (vault, names) in [("vaults/other", others), (VAULT, live_names(&mut dev, VAULT).await)] {
        for name in names {
            delete(&mut dev, vault, &name).await.unwrap();
        }
        let request =
            pb::ListDeletedKeysRequest { parent: vault.to_owned(), page_size: 1000, ..Default::default() };
        for deleted in dev.keys.list_deleted_keys(request).await.unwrap().into_inner().deleted_keys {
            purge(&mut dev, vault, deleted.name.rsplit('/').next().unwrap()).await.unwrap();
        }
    }
    assert!(server.stop().success());
    assert_eq!(count_objects(&server).complete, without_keys);
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}

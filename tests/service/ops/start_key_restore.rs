//! Restoring one key from the backup of an HSM.

use crate::calls::{key, sign};
use crate::full_backups::{back_up, restore_key};
use crate::key_backups::remove;
use crate::rotation::versions;
use crate::software::verifies;
use crate::support::{Server, ec};

const DETAILS: [&str; 2] =
    ["Number of successful key versions restored: ", ", Number of key versions could not overwrite: "];

#[tokio::test]
async fn existing_key_is_not_changed_and_a_purged_one_is_restored() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let made = dev.create(ec("invoices", "P-256")).await.unwrap();
    dev.create(ec("others", "P-256")).await.unwrap();
    let folder = back_up(&mut dev, "local").await;
    let job = restore_key(&mut dev, "invoices", &folder).await;
    let [restored, kept] = DETAILS;
    assert_eq!(job.status_details, format!("{restored}0{kept}2"), "{job:?}");
    remove(&mut dev, "invoices").await;
    remove(&mut dev, "others").await;
    let job = restore_key(&mut dev, "invoices", &folder).await;
    assert_eq!((job.status.as_str(), job.status_details), ("Succeeded", format!("{restored}2{kept}0")));
    assert_eq!(versions(&mut dev, "invoices").await.last(), Some(&made));
    assert_eq!(versions(&mut dev, "others").await, []);
    let signature = sign(&mut dev, &key("invoices"), "ES256", &[7; 32]).await.unwrap().signature;
    assert!(verifies(made.key.as_ref().unwrap(), "ES256", &[7; 32], &signature));
}

#[tokio::test]
async fn key_that_is_not_in_the_backup_is_told() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let folder = back_up(&mut dev, "local").await;
    let job = restore_key(&mut dev, "invoices", &folder).await;
    assert_eq!(job.status, "Failed");
    assert!(job.error_message.contains("does not contain the key invoices"), "{job:?}");
}

//! Replacing the contents of an HSM by those of a backup.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::calls::{decrypt, decrypt_request, encrypt, key, refusal, sign};
use crate::full_backups::{back_up, directory, finished, restore, start_restore};
use crate::hsms::{Container, create_activated};
use crate::key_backups::{delete, remove};
use crate::rotation::{after, get, rotate, set, versions};
use crate::security_domains::{create, download, holders, restore_blob, transfer_key, upload};
use crate::software::verifies;
use crate::support::{Client, Server, ec, oct, reason, rsa};

async fn listed(client: &mut Client, hsm: &str) -> (Vec<pb::KeyBundle>, Vec<pb::DeletedKeyBundle>) {
    let parent = format!("hsms/{hsm}");
    let live = pb::ListKeysRequest { parent: parent.clone(), ..Default::default() };
    let deleted = pb::ListDeletedKeysRequest { parent, ..Default::default() };
    (
        client.keys.list_keys(live).await.unwrap().into_inner().keys,
        client.keys.list_deleted_keys(deleted).await.unwrap().into_inner().deleted_keys,
    )
}

async fn assignments(client: &mut Client, hsm: &str) -> Vec<pb::RoleAssignment> {
    let request = pb::ListRoleAssignmentsRequest { parent: format!("hsms/{hsm}"), ..Default::default() };
    client.access.list_role_assignments(request).await.unwrap().into_inner().role_assignments
}

#[tokio::test]
async fn contents_are_those_of_the_backup() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    let kept = dev.create(ec("kept", "P-384")).await.unwrap();
    dev.create(oct("kept-oct", 256)).await.unwrap();
    dev.create(rsa("purged", 2048)).await.unwrap();
    dev.create(ec("deleted", "P-256")).await.unwrap();
    delete(&mut dev, "deleted").await;
    set(&mut dev, "kept", "P90D", after("P30D")).await.unwrap();
    let sealed = encrypt(&mut dev, &key("kept-oct"), "A256GCM", b"secret", (b"", b"")).await.unwrap();
    let before = listed(&mut dev, "local").await;
    let (roles, policy) = (assignments(&mut dev, "local").await, get(&mut dev, "kept").await.unwrap());
    let folder = back_up(&mut dev, "local").await;

    // A version, a key and a deleted key more; one key is purged, and one recovered.
    rotate(&mut dev, "kept").await.unwrap();
    dev.create(ec("later", "P-256")).await.unwrap();
    remove(&mut dev, "purged").await;
    let name = "hsms/local/deletedKeys/deleted".to_owned();
    dev.keys.recover_deleted_key(pb::RecoverDeletedKeyRequest { name }).await.unwrap();
    let job = restore(&mut dev, "local", &folder).await;
    assert_eq!(job.status, "Succeeded", "{job:?}");
    for _ in 0..2 {
        assert_eq!(listed(&mut dev, "local").await, before);
        assert_eq!(assignments(&mut dev, "local").await, roles);
        assert_eq!(get(&mut dev, "kept").await.unwrap(), policy);
        assert_eq!(versions(&mut dev, "kept").await, std::slice::from_ref(&kept));
        let signature = sign(&mut dev, &kept.name, "ES384", &[7; 48]).await.unwrap().signature;
        assert!(verifies(kept.key.as_ref().unwrap(), "ES384", &[7; 48], &signature));
        sign(&mut dev, &key("purged"), "PS256", &[7; 32]).await.unwrap();
        let opened = decrypt(&mut dev, &decrypt_request(sealed.clone())).await.unwrap();
        assert_eq!(opened.plaintext, b"secret");
        server.restart();
        dev = server.client("dev").await;
    }
    // The objects of the replaced versions are destroyed: six of keys, one more for the AES key, two of the domain.
    for _ in 0..500 {
        if crate::crash::count_objects(&server).complete
            == 5 + (crate::crash::OF_DOMAIN + crate::crash::SEALING_KEYS)
        {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{:?}", crate::crash::count_objects(&server));
}

/// The sweep, which would destroy them too, is every 30 seconds.
#[tokio::test]
async fn replaced_objects_are_destroyed_at_once_so_that_the_next_restore_succeeds() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("kept", "P-256")).await.unwrap();
    let first = back_up(&mut dev, "local").await;
    dev.create(ec("later", "P-256")).await.unwrap();
    let second = back_up(&mut dev, "local").await;
    assert_eq!(restore(&mut dev, "local", &first).await.status, "Succeeded");
    let one_key = 1 + (crate::crash::OF_DOMAIN + crate::crash::SEALING_KEYS);
    for _ in 0..500 {
        if crate::crash::count_objects(&server).complete == one_key {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(crate::crash::count_objects(&server).complete, one_key);
    assert_eq!(restore(&mut dev, "local", &second).await.status, "Succeeded");
    sign(&mut dev, &key("later"), "ES256", &[7; 32]).await.unwrap();
}

/// The drill: an HSM is lost, and another one takes over its security domain and its backup.
#[tokio::test]
async fn another_hsm_takes_over_domain_and_backup() {
    let server = Server::start();
    let container = Container::of(&server);
    let request = container.create_request("payroll");
    create_activated(&server, request).await;
    let mut administrator = server.client("administrator").await;
    let mut user = server.client("crypto-user").await;
    grant_backups(&server, "payroll").await;
    let mut made = Vec::new();
    for (request, algorithm, digest) in
        [(ec("ec", "P-256"), "ES256", 32), (rsa("rsa", 2048), "PS256", 32), (ec("k", "P-256K"), "ES256K", 32)]
    {
        let request = pb::CreateKeyRequest { parent: "hsms/payroll".to_owned(), ..request };
        made.push((user.create(request).await.unwrap(), algorithm, vec![7; digest]));
    }
    let holders = holders();
    let file = download(&mut administrator, "payroll", &holders).await.unwrap();
    let folder = back_up(&mut user, "payroll").await;
    let mut owner = server.client("owner").await;
    crate::hsms::delete(&mut owner, container.hsm("payroll")).await.unwrap();
    crate::hsms::purge(&mut owner, container.deleted("payroll")).await.unwrap();

    create(&server, "recovered").await;
    let certificate = transfer_key(&mut administrator, "recovered").await.unwrap();
    let blob = restore_blob(&file, &holders[..2], certificate);
    upload(&mut administrator, "recovered", &blob).await.unwrap();
    grant_backups(&server, "recovered").await;
    let job = restore(&mut user, "recovered", &folder).await;
    assert_eq!(job.status, "Succeeded", "{job:?}");
    // The roles are those of the lost HSM.
    let live = pb::ListKeysRequest { parent: "hsms/recovered".to_owned(), ..Default::default() };
    assert_eq!(user.keys.list_keys(live).await.unwrap().into_inner().keys.len(), 3);
    for (bundle, algorithm, digest) in made {
        let name = bundle.name.replace("payroll", "recovered");
        let signature = sign(&mut user, &name, algorithm, &digest).await.unwrap().signature;
        assert!(verifies(bundle.key.as_ref().unwrap(), algorithm, &digest, &signature), "{algorithm}");
    }
}

/// Assigns `crypto-user` the roles for backups, restores and keys.
async fn grant_backups(server: &Server, hsm: &str) {
    let mut administrator = server.client("administrator").await;
    let definitions = pb::ListRoleDefinitionsRequest { parent: format!("hsms/{hsm}") };
    let definitions = administrator.access.list_role_definitions(definitions).await.unwrap().into_inner();
    let wanted = ["Managed HSM Backup User", "Managed HSM Restore User", "Managed HSM Crypto User"];
    let existing = assignments(&mut administrator, hsm).await;
    let principal_id = server.principal("crypto-user").object_id;
    for role in definitions.role_definitions.iter().filter(|role| wanted.contains(&role.role_name.as_str())) {
        let is_assigned = |assignment: &pb::RoleAssignment| {
            assignment.role_definition == role.name && assignment.principal_id == principal_id
        };
        if existing.iter().any(is_assigned) {
            continue;
        }
        let request = pb::CreateRoleAssignmentRequest {
            parent: format!("hsms/{hsm}"),
            role_definition: role.name.clone(),
            principal_id: principal_id.clone(),
            scope: "/".to_owned(),
            ..Default::default()
        };
        administrator.access.create_role_assignment(request).await.unwrap();
    }
}

#[tokio::test]
async fn failed_restore_changes_nothing() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let folder = back_up(&mut dev, "local").await;
    remove(&mut dev, "invoices").await;
    dev.create(ec("later", "P-256")).await.unwrap();
    let before = listed(&mut dev, "local").await;
    let objects = crate::crash::count_objects(&server).complete;
    let object = server.directory().join("backups/nightly").join(&folder).join("strongroom.backup");
    let content = std::fs::read(&object).unwrap();
    let end = content.len();
    for (what, wrong) in [
        ("truncated", content[..end - 1].to_vec()),
        ("modified", [&content[..end - 1], &[content[end - 1] ^ 1]].concat()),
        ("another version", [&content[..19], &[9], &content[20..]].concat()),
        ("empty", Vec::new()),
    ] {
        std::fs::write(&object, wrong).unwrap();
        let job = restore(&mut dev, "local", &folder).await;
        assert_eq!(
            (job.status.as_str(), job.error_reason.as_str()),
            ("Failed", "MALFORMED_BACKUP"),
            "{what}"
        );
    }
    let job = restore(&mut dev, "local", "mhsm-local-0").await;
    assert_eq!((job.status.as_str(), job.error_reason.as_str()), ("Failed", "BACKUP_STORAGE"));
    assert_eq!(listed(&mut dev, "local").await, before);
    assert_eq!(crate::crash::count_objects(&server).complete, objects);
    sign(&mut dev, &key("later"), "ES256", &[7; 32]).await.unwrap();
    std::fs::write(&object, content).unwrap();
    assert_eq!(restore(&mut dev, "local", &folder).await.status, "Succeeded");

    // Another HSM has another security domain.
    create_activated(&server, Container::of(&server).create_request("payroll")).await;
    grant_backups(&server, "payroll").await;
    let mut user = server.client("crypto-user").await;
    let job = restore(&mut user, "payroll", &folder).await;
    assert_eq!((job.status.as_str(), job.error_reason.as_str()), ("Failed", "MALFORMED_BACKUP"));
    assert!(job.error_message.contains("another security domain"), "{job:?}");
}

/// While the contents are replaced, the data plane answers nothing but the status.
#[tokio::test]
async fn data_plane_is_locked_meanwhile() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for number in 0..60 {
        dev.create(ec(&format!("key-{number}"), "P-256")).await.unwrap();
    }
    let folder = back_up(&mut dev, "local").await;
    for number in 0..60 {
        remove(&mut dev, &format!("key-{number}")).await;
    }
    let job = start_restore(&mut dev, "local", &folder).await.unwrap();
    let refused = refusal(dev.create(ec("other", "P-256")).await);
    assert_eq!(refused, (Code::FailedPrecondition, "RESTORE_RUNNING".to_owned()));
    let request = pb::StartBackupRequest { name: "hsms/local".to_owned(), storage: directory() };
    assert_eq!(reason(&dev.backups.start_backup(request).await.unwrap_err()), "RESTORE_RUNNING");
    assert_eq!(finished(&mut dev, job).await.status, "Succeeded");
    assert_eq!(listed(&mut dev, "local").await.0.len(), 60);
    dev.create(ec("other", "P-256")).await.unwrap();
}

/// Killed at any moment, the next start has the old or the new state.
#[tokio::test]
async fn kill_leaves_the_old_or_the_new_state() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    for number in 0..40 {
        dev.create(ec(&format!("key-{number}"), "P-256")).await.unwrap();
    }
    let folder = back_up(&mut dev, "local").await;
    for number in 0..20 {
        remove(&mut dev, &format!("key-{number}")).await;
    }
    dev.create(ec("later", "P-256")).await.unwrap();
    let (mut old, mut new) = (0, 0);
    for milliseconds in [0, 10, 25, 50, 100, 400] {
        let job = start_restore(&mut dev, "local", &folder).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(milliseconds)).await;
        server.kill();
        server.start_again();
        dev = server.client("dev").await;
        let job = dev.backups.get_restore_job(pb::GetRestoreJobRequest { name: job.name }).await;
        let job = job.unwrap().into_inner();
        let names: Vec<String> = listed(&mut dev, "local").await.0.into_iter().map(|key| key.name).collect();
        match job.status.as_str() {
            "Failed" => {
                assert_eq!((names.len(), job.error_reason.as_str()), (21, "INTERRUPTED"));
                old += 1;
            }
            "Succeeded" => {
                assert_eq!(names.len(), 40);
                new += 1;
            }
            other => panic!("{other}"),
        }
        for name in &names {
            sign(&mut dev, name, "ES256", &[7; 32]).await.unwrap();
        }
        if new > 0 {
            break;
        }
    }
    println!("{old} old states, {new} new states");
    for _ in 0..500 {
        let wanted = if new > 0 { 40 } else { 21 } + (crate::crash::OF_DOMAIN + crate::crash::SEALING_KEYS);
        if crate::crash::count_objects(&server).complete == wanted {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{:?}", crate::crash::count_objects(&server));
}

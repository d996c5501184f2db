//! Backing up a key: what the backup contains, and which keys have none.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tonic::Code;

use crate::calls::{import, key, refusal};
use crate::key_backups::{backup, delete};
use crate::software::ec_key::EcKey;
use crate::software::symmetric;
use crate::support::{Server, ec, error_metadata, oct, reason, rsa};

/// The header is that of Azure's backups; the rest is encrypted.
#[tokio::test]
async fn backup_is_a_jwe_without_readable_content() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let material = symmetric::material(256);
    import(&mut dev, "imported", material.clone()).await;
    let text = String::from_utf8(backup(&mut dev, "imported").await.unwrap()).unwrap();
    let parts: Vec<_> = text.split('.').collect();
    let header = URL_SAFE_NO_PAD.decode(parts[0]).unwrap();
    assert_eq!(header, br#"{"alg":"dir","enc":"A256CBC-HS512","kid":"backup-protection-key"}"#);
    assert_eq!((parts.len(), parts[1]), (5, ""));
    let ciphertext = URL_SAFE_NO_PAD.decode(parts[3]).unwrap();
    for readable in [&material.k[..], b"imported", b"versions"] {
        assert!(!ciphertext.windows(readable.len()).any(|window| window == readable));
    }
    // The IV is random.
    assert_ne!(backup(&mut dev, "imported").await.unwrap(), text.as_bytes());
}

#[tokio::test]
async fn backs_up_keys_of_every_type() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for request in [
        rsa("rsa-2048", 2048),
        rsa("rsa-4096", 4096),
        ec("p-256", "P-256"),
        ec("p-256k", "P-256K"),
        ec("p-384", "P-384"),
        ec("p-521", "P-521"),
        oct("oct-128", 128),
        oct("oct-192", 192),
        oct("oct-256", 256),
    ] {
        let name = request.key_id.clone();
        dev.create(request).await.unwrap();
        assert!(backup(&mut dev, &name).await.is_ok(), "{name}");
    }
    import(&mut dev, "imported", EcKey::new("P-256", 5).material()).await;
    backup(&mut dev, "imported").await.unwrap();
    let entries = server.audit_where(10, |entry| entry["operationName"] == "KeyBackup");
    assert_eq!(entries[0]["target"], key("rsa-2048"));
}

#[tokio::test]
async fn absent_and_deleted_keys_have_no_backup() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    assert_eq!(refusal(backup(&mut dev, "absent").await), (Code::NotFound, "KEY_NOT_FOUND".to_owned()));
    dev.create(ec("invoices", "P-256")).await.unwrap();
    delete(&mut dev, "invoices").await;
    assert_eq!(refusal(backup(&mut dev, "invoices").await), (Code::NotFound, "KEY_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn disabled_key_can_be_backed_up() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    crate::calls::set_state(&mut dev, &key("invoices"), crate::calls::State::Disabled).await;
    backup(&mut dev, "invoices").await.unwrap();
}

/// Keys that exist keep what they were created with; the error says why.
#[tokio::test]
async fn key_created_with_backup_never_is_refused() {
    let never = [("STRONGROOM_CRYPTO__BACKUP", "never")];
    let mut server = Server::start_with(&[], &never);
    let mut dev = server.client("dev").await;
    for request in [rsa("rsa", 2048), ec("ec", "P-256"), oct("oct", 256)] {
        let name = request.key_id.clone();
        let made = dev.create(request).await.unwrap();
        let status = backup(&mut dev, &name).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::FailedPrecondition, "KEY_NOT_WRAPPABLE")
        );
        assert!(made.name.ends_with(&error_metadata(&status, "version")), "{status:?}");
        assert!(status.message().contains("backup = \"never\""), "{status:?}");
    }
    assert!(server.stop().success());
    let server = Server::start_in_place(server, &[]);
    let mut dev = server.client("dev").await;
    assert_eq!(reason(&backup(&mut dev, "ec").await.unwrap_err()), "KEY_NOT_WRAPPABLE");
    // A backup contains all versions: one that is not wrappable prevents it.
    dev.create(ec("ec", "P-256")).await.unwrap();
    assert_eq!(reason(&backup(&mut dev, "ec").await.unwrap_err()), "KEY_NOT_WRAPPABLE");
    dev.create(ec("new", "P-256")).await.unwrap();
    backup(&mut dev, "new").await.unwrap();
}

//! Soft-deleting a key.

use strongroom::api::grpc::pb;

use crate::support::{Server, ec, reason};

#[tokio::test]
async fn a_deleted_key_keeps_its_name_and_its_dates() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    dev.create(ec("invoices", "P-256")).await.unwrap();

    let name = "hsms/local/keys/invoices".to_owned();
    let deleted =
        dev.keys.delete_key(pb::DeleteKeyRequest { name: name.clone() }).await.unwrap().into_inner();
    assert_eq!(deleted.name, "hsms/local/deletedKeys/invoices");
    let (from, until) = (deleted.deleted_at.unwrap(), deleted.scheduled_purge_at.unwrap());
    assert_eq!((until.seconds - from.seconds, until.nanos), (90 * 86_400, from.nanos));

    let gone = dev.keys.get_key(pb::GetKeyRequest { name: name.clone() }).await.unwrap_err();
    assert_eq!((gone.code(), reason(&gone).as_str()), (tonic::Code::NotFound, "KEY_NOT_FOUND"));
    let taken = dev.create(ec("Invoices", "P-256")).await.unwrap_err();
    assert_eq!(
        (taken.code(), reason(&taken).as_str()),
        (tonic::Code::AlreadyExists, "KEY_DELETED_BUT_RECOVERABLE")
    );
    let again = dev.keys.delete_key(pb::DeleteKeyRequest { name }).await.unwrap_err();
    assert_eq!(again.code(), tonic::Code::NotFound);
}

//! Soft-deleting a managed HSM.

use tonic::Code;

use crate::hsms::{Place, delete, live};
use crate::roles::ask::{bad, fails, not_granted};
use crate::support::Server;

#[tokio::test]
async fn reports_the_purge_date_and_leaves_the_list() {
    let server = Server::start();
    let container = Place::of(&server);
    let mut contributor = server.client("contributor").await;
    let deleted = delete(&mut contributor, container.hsm("local")).await.unwrap();
    assert_eq!(deleted.name, container.deleted("local"));
    let (at, until) = (deleted.deleted_at.unwrap(), deleted.scheduled_purge_at.unwrap());
    assert_eq!((until.seconds - at.seconds, until.nanos), (90 * 86_400, at.nanos));
    assert_eq!(deleted.managed_hsm.unwrap().data_plane, "hsms/local");
    assert!(live(&mut contributor, &container).await.is_empty());
    fails(delete(&mut contributor, container.hsm("local")).await, Code::NotFound, "HSM_NOT_FOUND");
}

#[tokio::test]
async fn rejects_missing_permission_and_unknown_hsms() {
    let server = Server::start();
    let container = Place::of(&server);
    for name in ["reader", "administrator", "crypto-officer", "nobody"] {
        not_granted(delete(&mut server.client(name).await, container.hsm("local")).await);
    }
    let mut contributor = server.client("contributor").await;
    fails(delete(&mut contributor, container.hsm("missing")).await, Code::NotFound, "HSM_NOT_FOUND");
    bad(delete(&mut contributor, "hsms/local".to_owned()).await, "name");
    assert_eq!(live(&mut contributor, &container).await, ["local"]);
}

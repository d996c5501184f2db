//! Soft-deleting a managed HSM.

use tonic::Code;

use crate::hsms::{Container, delete, live_names};
use crate::roles::support::{assert_bad_parameter, assert_grpc_error, assert_not_granted};
use crate::support::Server;

#[tokio::test]
async fn reports_the_purge_date_and_leaves_the_list() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut contributor = server.client("contributor").await;
    let deleted = delete(&mut contributor, container.hsm("local")).await.unwrap();
    assert_eq!(deleted.name, container.deleted("local"));
    let (at, until) = (deleted.deleted_at.unwrap(), deleted.scheduled_purge_at.unwrap());
    assert_eq!((until.seconds - at.seconds, until.nanos), (90 * 86_400, at.nanos));
    assert_eq!(deleted.managed_hsm.unwrap().data_plane, "hsms/local");
    assert!(live_names(&mut contributor, &container).await.is_empty());
    assert_grpc_error(
        delete(&mut contributor, container.hsm("local")).await,
        Code::NotFound,
        "HSM_NOT_FOUND",
    );
}

#[tokio::test]
async fn rejects_missing_permission_and_unknown_hsms() {
    let server = Server::start();
    let container = Container::of(&server);
    for name in ["reader", "administrator", "crypto-officer", "nobody"] {
        assert_not_granted(delete(&mut server.client(name).await, container.hsm("local")).await);
    }
    let mut contributor = server.client("contributor").await;
    assert_grpc_error(
        delete(&mut contributor, container.hsm("missing")).await,
        Code::NotFound,
        "HSM_NOT_FOUND",
    );
    assert_bad_parameter(delete(&mut contributor, "hsms/local".to_owned()).await, "name");
    assert_eq!(live_names(&mut contributor, &container).await, ["local"]);
}

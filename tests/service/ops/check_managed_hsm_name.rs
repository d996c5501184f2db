//! Checking whether the name of a managed HSM is available.

use strongroom::api::grpc::pb;

use crate::hsms::{Container, delete};
use crate::roles::support::{assert_bad_parameter, assert_not_granted};
use crate::support::Server;

#[tokio::test]
async fn reports_available_taken_and_invalid_names() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut contributor = server.client("contributor").await;
    contributor.hsms.create_managed_hsm(container.create_request("deleted")).await.unwrap();
    delete(&mut contributor, container.hsm("deleted")).await.unwrap();
    for (name, reason) in [
        ("payroll", ""),
        ("local", "AlreadyExists"),
        ("LOCAL", "AlreadyExists"),
        ("deleted", "AlreadyExists"),
        ("no--name", "AccountNameInvalid"),
        ("", "AccountNameInvalid"),
    ] {
        let request = pb::CheckManagedHsmNameRequest {
            parent: container.subscription.clone(),
            managed_hsm_id: name.to_owned(),
        };
        let answer = contributor.hsms.check_managed_hsm_name(request).await.unwrap().into_inner();
        assert_eq!((answer.available, answer.reason.as_str()), (reason.is_empty(), reason), "{name}");
        assert_eq!(answer.message.is_empty(), answer.available);
    }
}

#[tokio::test]
async fn requires_read_permission_on_the_subscription() {
    let server = Server::start();
    let container = Container::of(&server);
    let request = pb::CheckManagedHsmNameRequest {
        parent: container.subscription.clone(),
        managed_hsm_id: "payroll".to_owned(),
    };
    assert_not_granted(
        server.client("administrator").await.hsms.check_managed_hsm_name(request.clone()).await,
    );
    let wrong = pb::CheckManagedHsmNameRequest { parent: "dev".to_owned(), ..request };
    assert_bad_parameter(server.client("reader").await.hsms.check_managed_hsm_name(wrong).await, "parent");
}

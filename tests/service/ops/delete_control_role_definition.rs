//! Deleting custom role definitions of the control plane.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::control::custom_roles::{definition_request, permission};
use crate::requests::SUBSCRIPTION;
use crate::roles::support::{assert_audited, assert_grpc_error, guid, metadata};
use crate::support::Server;

#[tokio::test]
async fn deleted_control_role_frees_its_id_and_name() {
    let mut server = Server::start();
    let mut owner = server.client("owner").await;
    let request = definition_request(&guid(1), "Reader of all", permission(&["*/read"], &[]), &[""]);
    let made = owner.authorization.put_control_role_definition(request.clone()).await.unwrap().into_inner();
    let delete = pb::DeleteControlRoleDefinitionRequest { name: made.name.clone() };
    let answer = owner.authorization.delete_control_role_definition(delete.clone()).await;
    let target = format!("/{SUBSCRIPTION}");
    assert_audited(&server, metadata(&answer), "ControlRoleDefinitionDelete", "OK", &target);
    assert_eq!(answer.unwrap().into_inner(), made);
    server.restart();
    let mut owner = server.client("owner").await;
    let again = owner.authorization.delete_control_role_definition(delete).await;
    assert_grpc_error(again, Code::NotFound, "ROLE_DEFINITION_NOT_FOUND");
    owner.authorization.put_control_role_definition(request).await.unwrap();
}

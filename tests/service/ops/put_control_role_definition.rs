//! Creating and replacing custom role definitions of the control plane. `control/custom_roles.rs` tests what they grant.

use strongroom::api::grpc::pb;

use crate::control::custom_roles::{definition_request, permission};
use crate::requests::SUBSCRIPTION;
use crate::roles::support::{assert_audited, guid, metadata};
use crate::support::Server;

#[tokio::test]
async fn creates_and_fully_replaces_a_control_role() {
    let mut server = Server::start();
    let mut owner = server.client("owner").await;
    let lists = pb::Permission {
        not_actions: vec!["*/delete".to_owned()],
        not_data_actions: vec!["*/purge/action".to_owned()],
        ..permission(&["Microsoft.KeyVault/*", "Microsoft.Compute/*/read"], &["Microsoft.KeyVault/vaults/*"])
    };
    let request = definition_request(&guid(1), "Vault operator", lists, &["", "/resourceGroups/Dev"]);
    let wanted = request.role_definition.clone().unwrap();
    let answer = owner.authorization.put_control_role_definition(request).await;
    let target = format!("/{SUBSCRIPTION}");
    assert_audited(&server, metadata(&answer), "ControlRoleDefinitionPut", "OK", &target);
    let made = answer.unwrap().into_inner();
    let name = format!("{SUBSCRIPTION}/roleDefinitions/{}", guid(1));
    assert_eq!(made, pb::RoleDefinition { name: name.clone(), r#type: "CustomRole".to_owned(), ..wanted });
    server.restart();
    let mut owner = server.client("owner").await;
    let get = pb::GetControlRoleDefinitionRequest { name };
    let found = owner.authorization.get_control_role_definition(get.clone()).await.unwrap().into_inner();
    assert_eq!(found, made);

    let mut request = definition_request(&guid(1), "", permission(&[], &[]), &[""]);
    request.role_definition.as_mut().unwrap().description.clear();
    let replaced = owner.authorization.put_control_role_definition(request).await.unwrap().into_inner();
    // Without a name, it is named by its id.
    assert_eq!((&replaced.role_name, &replaced.description), (&guid(1), &String::new()));
    assert_eq!(replaced.assignable_scopes, [target]);
    assert_eq!(owner.authorization.get_control_role_definition(get).await.unwrap().into_inner(), replaced);
}

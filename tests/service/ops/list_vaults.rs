//! Listing vaults.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::control::support::create_group;
use crate::hsms::Container;
use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, metadata,
};
use crate::support::Server;
use crate::vaults::{create, create_request, delete};

fn request(parent: &str) -> pb::ListVaultsRequest {
    pb::ListVaultsRequest { parent: parent.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn lists_live_vaults_by_name_in_pages_of_any_size() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    create_group(&mut owner, "team").await;
    let team = format!("{}/resourceGroups/team", container.subscription);
    for name in ["Beta", "alpha", "deleted"] {
        create(&mut owner, container.vault_request(name)).await.unwrap();
    }
    create(&mut owner, create_request(&team, "gamma")).await.unwrap();
    delete(&mut owner, container.vault("deleted")).await.unwrap();
    let of_group = vec!["vaults/alpha", "vaults/Beta", "vaults/demo"];
    let all = vec!["vaults/alpha", "vaults/Beta", "vaults/demo", "vaults/gamma"];
    for (parent, expected) in [(&container.subscription, all), (&container.group, of_group)] {
        for page_size in [1, 2, 3, 100] {
            let mut names = Vec::new();
            let mut request = pb::ListVaultsRequest { page_size, ..request(parent) };
            loop {
                let page = owner.vaults.list_vaults(request.clone()).await.unwrap().into_inner();
                names.extend(page.vaults.into_iter().map(|vault| vault.data_plane));
                if page.next_page_token.is_empty() {
                    break;
                }
                request.page_token = page.next_page_token;
            }
            assert_eq!(names, expected, "{parent} by {page_size}");
        }
    }
    let answer = owner.vaults.list_vaults(request(&container.group)).await;
    assert_audited(&server, metadata(&answer), "VaultList", "OK", &format!("/{}", container.group));
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut reader = server.client("reader").await;
    let none = format!("{}/resourceGroups/none", container.subscription);
    let none = reader.vaults.list_vaults(request(&none)).await;
    assert_grpc_error(none, Code::NotFound, "RESOURCE_GROUP_NOT_FOUND");
    for parent in ["", "vaults/payroll", "subscriptions/x"] {
        assert_bad_parameter(reader.vaults.list_vaults(request(parent)).await, "parent");
    }
    let wrong = pb::ListVaultsRequest { page_size: -1, ..request(&container.subscription) };
    assert_bad_parameter(reader.vaults.list_vaults(wrong).await, "page_size");
    for name in ["contributor", "crypto-user", "nobody"] {
        let mut caller = server.client(name).await;
        assert_not_granted(caller.vaults.list_vaults(request(&container.subscription)).await);
    }
}

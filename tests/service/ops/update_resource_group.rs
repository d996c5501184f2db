//! Updating the tags of a resource group.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::control::support::{create_group, delete_group, get_group, group, group_request};
use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, metadata,
};
use crate::support::Server;

fn request(name: &str, tags: &[(&str, &str)], mask: &[&str]) -> pb::UpdateResourceGroupRequest {
    pb::UpdateResourceGroupRequest {
        name: group(name),
        tags: tags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        update_mask: Some(prost_types::FieldMask {
            paths: mask.iter().map(|&path| path.to_owned()).collect(),
        }),
    }
}

#[tokio::test]
async fn replaced_tags_survive_a_restart() {
    let mut server = Server::start();
    let mut owner = server.client("owner").await;
    let wanted = request("team", &[("team", "blue"), ("cost centre", "17")], &["tags"]);
    let tagged = pb::CreateResourceGroupRequest { tags: wanted.tags.clone(), ..group_request("team") };
    let made = owner.resources.create_resource_group(tagged).await.unwrap().into_inner();
    assert_eq!(made.tags, wanted.tags);
    let wanted = request("TEAM", &[("team", "red")], &["tags"]);
    let answer = owner.resources.update_resource_group(wanted.clone()).await;
    let target = format!("/{}", group("TEAM"));
    assert_audited(&server, metadata(&answer), "ResourceGroupUpdate", "OK", &target);
    let changed = answer.unwrap().into_inner();
    assert_eq!(changed, pb::ResourceGroup { tags: wanted.tags, ..made });
    server.restart();
    let mut owner = server.client("owner").await;
    assert_eq!(get_group(&mut owner, "team").await.unwrap(), changed);
    let parent = crate::requests::SUBSCRIPTION.to_owned();
    let listed = owner.resources.list_resource_groups(pb::ListResourceGroupsRequest { parent }).await;
    assert!(listed.unwrap().into_inner().resource_groups.contains(&changed));
    let emptied = owner.resources.update_resource_group(request("team", &[], &["tags"])).await;
    assert!(emptied.unwrap().into_inner().tags.is_empty());
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    create_group(&mut owner, "team").await;
    let long = "x".repeat(513);
    for tags in [
        &[("", "a")][..],
        &[(long.as_str(), "a")],
        &[("a", long.as_str())],
        &[("a/b", "c")],
        &[("a", "1"), ("A", "2")],
    ] {
        assert_bad_parameter(
            owner.resources.update_resource_group(request("team", tags, &["tags"])).await,
            "tags",
        );
        let made =
            pb::CreateResourceGroupRequest { tags: request("", tags, &[]).tags, ..group_request("other") };
        assert_bad_parameter(owner.resources.create_resource_group(made).await, "tags");
    }
    for mask in [&[][..], &["location"], &["tags", "name"]] {
        assert_bad_parameter(
            owner.resources.update_resource_group(request("team", &[], mask)).await,
            "update_mask",
        );
    }
    let unmasked = pb::UpdateResourceGroupRequest { update_mask: None, ..request("team", &[], &[]) };
    assert_bad_parameter(owner.resources.update_resource_group(unmasked).await, "update_mask");
    delete_group(&mut owner, "team").await.unwrap();
    let missing = owner.resources.update_resource_group(request("team", &[], &["tags"])).await;
    assert_grpc_error(missing, Code::NotFound, "RESOURCE_GROUP_NOT_FOUND");
    for name in ["contributor", "reader", "administrator", "nobody"] {
        let mut caller = server.client(name).await;
        for wanted in ["dev", "none"] {
            assert_not_granted(caller.resources.update_resource_group(request(wanted, &[], &["tags"])).await);
        }
    }
}

//! Listing the usage records from which statements are computed.

use strongroom::api::grpc::pb;

use crate::roles::support::{assert_audited, assert_bad_parameter, assert_not_granted, metadata, sign};
use crate::support::{Server, ec, error_metadata};
use crate::usage::{freeze_clock_at, managed_hsm, midnight, subscription};

fn request(parent: String) -> pb::ListUsageRequest {
    pb::ListUsageRequest {
        parent,
        from: midnight("2050-01-01"),
        to: midnight("2050-02-01"),
        ..Default::default()
    }
}

#[tokio::test]
async fn lists_all_usage_in_pages() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    freeze_clock_at(&mut dev, "2050-01-10").await;
    let version = dev.create(ec("sample", "P-256")).await.unwrap().name;
    sign(&mut dev, "sample").await.unwrap();
    freeze_clock_at(&mut dev, "2050-01-11").await;
    sign(&mut dev, "sample").await.unwrap();
    sign(&mut dev, "sample").await.unwrap();

    let answer = dev.usage.list_usage(request(subscription(&server))).await;
    assert_audited(&server, metadata(&answer), "UsageList", "OK", &format!("/{}", subscription(&server)));
    let all = answer.unwrap().into_inner();
    assert_eq!(all.next_page_token, "");
    let listed: Vec<_> = all
        .records
        .iter()
        .map(|one| (one.meter.as_str(), one.class.as_str(), one.event.as_str(), one.count))
        .collect();
    let uses = [("key-use", "", "", 1)];
    let mut wanted = vec![("pool-hours", "running", "", 1)];
    wanted.extend([("operations", "management", "KeyCreate", 1), ("operations", "advanced", "KeySign", 1)]);
    wanted.extend(uses);
    wanted.push(("operations", "advanced", "KeySign", 2));
    wanted.extend(uses);
    assert_eq!(listed, wanted);
    assert_eq!(all.records[0].to, midnight("2050-01-11"), "the HSM still exists");
    assert_eq!(all.records[3].resource, version);
    assert_eq!((all.records[3].from, all.records[3].to), (midnight("2050-01-10"), midnight("2050-01-11")));

    let mut paged = Vec::new();
    let mut page = pb::ListUsageRequest { page_size: 2, ..request(managed_hsm(&server, "local")) };
    loop {
        let reply = dev.usage.list_usage(page.clone()).await.unwrap().into_inner();
        assert!(reply.records.len() <= 2);
        paged.extend(reply.records);
        page.page_token = reply.next_page_token;
        if page.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(paged, all.records);
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let server = Server::start();
    for name in ["administrator", "contributor", "nobody"] {
        let mut caller = server.client(name).await;
        let status = assert_not_granted(caller.usage.list_usage(request(subscription(&server))).await);
        assert_eq!(error_metadata(&status, "action"), "Microsoft.Consumption/usageDetails/read");
    }
    let mut reader = server.client("reader").await;
    let good = request(subscription(&server));
    assert_bad_parameter(
        reader.usage.list_usage(pb::ListUsageRequest { page_size: -1, ..good.clone() }).await,
        "page_size",
    );
    let token = "no token".to_owned();
    assert_bad_parameter(
        reader.usage.list_usage(pb::ListUsageRequest { page_token: token, ..good.clone() }).await,
        "page_token",
    );
    assert_bad_parameter(
        reader.usage.list_usage(pb::ListUsageRequest { to: midnight("2049-01-01"), ..good }).await,
        "to",
    );
}

//! Tests of work that begins on one instance and continues on another one, and of what instances share.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use sqlx::{Connection as _, PgConnection};
use strongroom::api::grpc::pb;
use tonic::Code;

use super::super::fixture::{ADMIN, TENANT};
use super::super::pool::request;
use super::super::{HSM, PIN, assign_crypto_user_of};
use super::kit::{Instances, create, until};
use crate::roles::support::assert_grpc_error;
use crate::support::Client;

#[tokio::test]
async fn lists_and_watches_continue_on_another_instance() {
    let all = Instances::start(2);
    let mut admins = all.clients(ADMIN).await;
    assign_crypto_user_of(HSM, &mut admins[0], ADMIN).await;
    for number in 0..5 {
        create(&mut admins[number % 2], &format!("key-{number}")).await.unwrap();
    }
    let mut request =
        pb::ListKeysRequest { parent: HSM.to_owned(), page_size: 2, ..pb::ListKeysRequest::default() };
    let mut names = Vec::new();
    for page in 0.. {
        let listed = admins[page % 2].keys.list_keys(request.clone()).await.unwrap().into_inner();
        names.extend(listed.keys.into_iter().map(|key| key.name));
        request.page_token = listed.next_page_token;
        if request.page_token.is_empty() {
            assert_eq!(page, 2);
            break;
        }
    }
    assert_eq!(names, [0, 1, 2, 3, 4].map(|number| format!("{HSM}/keys/key-{number}")));

    let (seen, token) = watched(&mut admins[0], "0").await;
    assert_eq!(seen, 5);
    create(&mut admins[1], "key-5").await.unwrap();
    let (seen, token) = watched(&mut admins[1], &token).await;
    assert_eq!(seen, 1, "the other instance continues after the last event");
    assert_eq!(watched(&mut admins[0], &token).await.0, 0);
}

/// The number of events of the HSM's keys after a resume token, and the token after them.
async fn watched(client: &mut Client, resume_token: &str) -> (usize, String) {
    let watch = pb::WatchLifecycleRequest {
        parent: HSM.to_owned(),
        resume_token: resume_token.to_owned(),
        until_now: true,
    };
    let mut stream = client.lifecycle.watch_lifecycle(watch).await.unwrap().into_inner();
    let (mut seen, mut last) = (0, resume_token.to_owned());
    while let Some(message) = stream.message().await.unwrap() {
        seen += message.events.len();
        last = message.resume_token;
    }
    (seen, last)
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_allocate_distinct_tokens_of_the_pool() {
    let roles = format!(
        "\n[[control_plane_role]]\nprincipal = \"{ADMIN}\"\nrole = \"Owner\"\nscope = \"/subscriptions/{TENANT}\"\n"
    );
    let all = Instances::start_with(2, |gateway, configuration| {
        for label in ["spare-1", "spare-2"] {
            gateway.initialize(label, PIN);
        }
        let pool = "[token]\npool = [{ label = \"spare-1\" }, { label = \"spare-2\" }]\n";
        configuration.replace("[token]\n", pool) + &roles
    });
    let mut owners = Vec::new();
    for number in 0..2 {
        owners.push(all.client_of_all_planes(number, ADMIN).await);
    }
    let creations = (0..4).map(|number| {
        let mut owner = owners[number % 2].clone();
        async move { owner.hsms.create_managed_hsm(request(&format!("hsm-{number}"))).await }
    });
    let (made, refused): (Vec<_>, Vec<_>) = join_all(creations).await.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), refused.len()), (2, 2), "{refused:?}");
    for answer in refused {
        assert_grpc_error(answer, Code::ResourceExhausted, "TOKEN_POOL_EXHAUSTED");
    }
    let mut database = PgConnection::connect(&all.database.url).await.unwrap();
    let sql = "SELECT resource::json ->> 'token_serial' FROM hsms";
    let serials: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut database).await.unwrap();
    let distinct: BTreeSet<_> = serials.iter().collect();
    assert_eq!((serials.len(), distinct.len()), (3, 3), "{serials:?}");
    database.close().await.unwrap();
}

#[tokio::test]
async fn instances_share_the_sessions_of_a_token() {
    // A process of SoftHSM's profile has four sessions: three processes for one instance, and two for each of two.
    let mut all = Instances::start_with(2, |_, configuration| {
        configuration.replace("[token]\n", "[token]\nprocesses = 3\nsessions_total = 16\n")
    });
    let limited = |all: &Instances, number, processes: u32| {
        let log = all.log(number);
        let last = log.lines().rfind(|line| line.contains("workers.limited")).unwrap_or_default().to_owned();
        last.contains(&format!("\"processes\":{processes}"))
    };
    until("both have half of the sessions", async || limited(&all, 0, 2) && limited(&all, 1, 2)).await;
    all.kill(1);
    until("the other one has all of them", async || limited(&all, 0, 3)).await;
}

//! Faults under load: nothing that was answered is lost, nothing is done twice, and other HSMs are not disturbed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use super::rig::{BOTH, Isolation, Rig, until};
use crate::calls::{key, sign};
use crate::hsms::{Container, create_activated};
use crate::support::{Client, ec, reason};

/// The errors that callers may see while a token fails.
const OF_THE_TOKEN: [&str; 4] = ["TOKEN_UNAVAILABLE", "TOKEN_FAILED", "TOKEN_TIMEOUT", "TOKEN_BUSY"];

/// What clients have been answered.
#[derive(Default)]
struct Answers {
    signed: AtomicUsize,
    failed: AtomicUsize,
}

fn assert_is_of_the_token(status: &Status) {
    assert!(OF_THE_TOKEN.contains(&reason(status).as_str()), "{status:?}");
}

/// Signs until it is stopped.
async fn sign_until(stop: Arc<AtomicBool>, mut client: Client, answers: Arc<Answers>) {
    while !stop.load(Ordering::Relaxed) {
        match sign(&mut client, &key("signer"), "ES256", &[7; 32]).await {
            Ok(signed) => {
                assert_eq!(signed.signature.len(), 64);
                answers.signed.fetch_add(1, Ordering::Relaxed);
            }
            Err(status) => {
                assert_is_of_the_token(&status);
                answers.failed.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    }
}

/// Creates keys until it is stopped. Returns the names of those that were acknowledged.
async fn create_until(stop: Arc<AtomicBool>, mut client: Client, prefix: usize) -> BTreeSet<String> {
    let mut created = BTreeSet::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let name = format!("made-{prefix}-{number}");
        match client.create(ec(&name, "P-256")).await {
            Ok(_) => {
                created.insert(name);
            }
            Err(status) => {
                assert_is_of_the_token(&status);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    }
    created
}

/// The names of the keys of HSM `local`, each with its number of versions.
async fn keys(client: &mut Client) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut page_token = String::new();
    loop {
        let request =
            pb::ListKeysRequest { parent: "hsms/local".to_owned(), page_token, ..Default::default() };
        let page = client.keys.list_keys(request).await.unwrap().into_inner();
        for key in page.keys {
            let request = pb::ListKeyVersionsRequest { parent: key.name.clone(), ..Default::default() };
            let versions = client.keys.list_key_versions(request).await.unwrap().into_inner().versions;
            found.push((key.name.rsplit('/').next().unwrap().to_owned(), versions.len()));
        }
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return found;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledged_keys_survive_random_faults_and_no_other_is_left() {
    let rules = |seed: usize, crashes: bool| {
        let fault = |function: &str, what: &str, share: f64| {
            format!(
                "[[fault]]\nfunction = \"{function}\"\nlabel = \"local\"\ntimes = 0\nprobability = {share}\nseed = {seed}\n{what}\n"
            )
        };
        let mut rules = [
            fault("C_Sign", "return = \"CKR_DEVICE_ERROR\"", 0.05),
            fault("C_SignInit", "lose = \"sessions\"", 0.01),
            fault("C_SignInit", "lose = \"login\"", 0.01),
            fault("C_GenerateKeyPair", "return = \"CKR_DEVICE_ERROR\"\nafter = true", 0.1),
            fault("C_GenerateKeyPair", "return = \"CKR_SESSION_HANDLE_INVALID\"\nafter = true", 0.1),
            fault("C_DestroyObject", "return = \"CKR_FUNCTION_FAILED\"\nafter = true", 0.05),
        ]
        .concat();
        if crashes {
            rules += &fault("C_GenerateKeyPair", "crash = \"KILL\"\nafter = true", 0.05);
            rules += &fault("C_Sign", "crash = \"SEGV\"", 0.005);
        }
        rules
    };
    for isolation in BOTH {
        let rig = Rig::start_with(isolation, 2);
        let mut dev = rig.server.client("dev").await;
        let before = rig.objects();
        dev.create(ec("signer", "P-256")).await.unwrap();
        let (stop, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(Answers::default()));
        let signers: Vec<_> = (0..3)
            .map(|_| tokio::spawn(sign_until(Arc::clone(&stop), dev.clone(), Arc::clone(&answers))))
            .collect();
        let creators: Vec<_> =
            (0..2).map(|number| tokio::spawn(create_until(Arc::clone(&stop), dev.clone(), number))).collect();
        for seed in 0..4 {
            rig.order(&rules(seed, isolation == Isolation::Process));
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
        rig.calm();
        // The service completes what is left of failed calls, which it would do within half a minute anyway.
        rig.renew();
        tokio::time::sleep(Duration::from_millis(300)).await;
        stop.store(true, Ordering::Relaxed);
        for signer in signers {
            signer.await.unwrap();
        }
        let mut expected: BTreeSet<String> = ["signer".to_owned()].into();
        for creator in creators {
            expected.extend(creator.await.unwrap());
        }
        until("recovery", async || sign(&mut dev, &key("signer"), "ES256", &[7; 32]).await.is_ok()).await;
        let (signed, failed) =
            (answers.signed.load(Ordering::Relaxed), answers.failed.load(Ordering::Relaxed));
        assert!(
            signed > 50 && failed > 0 && expected.len() > 5,
            "{isolation:?}: {signed}, {failed}, {expected:?}"
        );

        let found = keys(&mut dev).await;
        assert!(found.iter().all(|(_, versions)| *versions == 1), "{found:?}");
        let names: BTreeSet<String> = found.into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, expected, "{isolation:?}");
        for name in &names {
            sign(&mut dev, &key(name), "ES256", &[7; 32]).await.unwrap();
        }
        rig.assert_objects(before + names.len(), &format!("{isolation:?}")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_hsms_are_not_disturbed_while_a_token_fails() {
    for isolation in BOTH {
        let rig = Rig::start(isolation);
        let container = Container::of(&rig.server);
        create_activated(&rig.server, container.create_request("payroll")).await;
        let mut dev = rig.server.client("dev").await;
        let mut user = rig.server.client("crypto-user").await;
        dev.create(ec("signer", "P-256")).await.unwrap();
        let parent = "hsms/payroll".to_owned();
        user.create(pb::CreateKeyRequest { parent, ..ec("other", "P-256") }).await.unwrap();
        for fault in [
            "token = \"absent\"",
            "function = \"*\"\nreturn = \"CKR_DEVICE_ERROR\"\ntimes = 0",
            "function = \"C_Sign\"\nhang = true\ntimes = 0",
        ] {
            rig.order(&format!("[[fault]]\nlabel = \"local\"\n{fault}\n"));
            let calls = (0..3).map(|_| {
                let mut dev = dev.clone();
                async move { sign(&mut dev, &key("signer"), "ES256", &[7; 32]).await }
            });
            let failing = tokio::spawn(futures_util::future::join_all(calls.collect::<Vec<_>>()));
            let started = std::time::Instant::now();
            for _ in 0..20 {
                sign(&mut user, "hsms/payroll/keys/other", "ES256", &[7; 32]).await.unwrap();
            }
            let took = started.elapsed();
            assert!(took < Duration::from_secs(2), "{isolation:?} {fault}: 20 signatures took {took:?}");
            for result in failing.await.unwrap() {
                let status = result.unwrap_err();
                assert_is_of_the_token(&status);
                assert_ne!(status.code(), Code::Ok);
            }
            // What needs no token works.
            dev.keys.get_key(pb::GetKeyRequest { name: key("signer") }).await.unwrap();
            rig.calm();
            until("recovery", async || sign(&mut dev, &key("signer"), "ES256", &[7; 32]).await.is_ok()).await;
        }
    }
}

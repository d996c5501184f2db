//! A PIN that the token has rejected is not tried again, whoever needs a login.

use std::time::Duration;

use futures_util::future::join_all;

use super::rig::{BOTH, Isolation, Rig, until};
use crate::calls::{key, sign};
use crate::support::{Client, ec, reason};

/// Has the token lose its login once per process, reject the PIN from then on, and log logins.
fn lock(rig: &Rig, code: &str) {
    rig.order(&format!(
        "[[fault]]\nname = \"attempt\"\nfunction = \"C_Login\"\nlabel = \"local\"\nlog = true\n\
         [[fault]]\nfunction = \"C_Sign\"\nlabel = \"local\"\nlose = \"login\"\n\
         [[fault]]\nfunction = \"C_Login\"\nlabel = \"local\"\nreturn = \"{code}\"\ntimes = 0\n"
    ));
}

async fn sign_once(client: &mut Client) -> Result<(), tonic::Status> {
    sign(client, &key("signer"), "ES256", &[7; 32]).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rejected_pin_is_tried_once() {
    for isolation in BOTH {
        for code in ["CKR_PIN_INCORRECT", "CKR_PIN_LOCKED", "CKR_PIN_EXPIRED", "CKR_PIN_INVALID"] {
            let rig = Rig::start_with(isolation, 3);
            let mut dev = rig.server.client("dev").await;
            dev.create(ec("signer", "P-256")).await.unwrap();
            // All worker processes run.
            join_all((0..60).map(|_| {
                let mut dev = dev.clone();
                async move { sign_once(&mut dev).await.unwrap() }
            }))
            .await;
            lock(&rig, code);
            for _ in 0..10 {
                let calls = (0..20).map(|_| {
                    let mut dev = dev.clone();
                    async move { sign_once(&mut dev).await }
                });
                for status in join_all(calls).await.into_iter().filter_map(Result::err) {
                    assert_eq!(reason(&status), "TOKEN_UNAVAILABLE", "{isolation:?} {code}: {status}");
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            let attempts = rig.log_lines("rule=attempt");
            assert_eq!(attempts.len(), 1, "{isolation:?} {code}: {attempts:#?}\n{}", rig.server.log());
            let refused = sign_once(&mut dev).await.unwrap_err();
            assert_eq!(reason(&refused), "TOKEN_UNAVAILABLE");

            // The PIN is right again, and whoever has corrected it says so.
            rig.calm();
            rig.renew();
            until("recovery", async || sign_once(&mut dev).await.is_ok()).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_login_is_renewed_once_for_all_callers() {
    for isolation in BOTH {
        let rig = Rig::start(isolation);
        let mut dev = rig.server.client("dev").await;
        dev.create(ec("signer", "P-256")).await.unwrap();
        sign_once(&mut dev).await.unwrap();
        rig.order(
            "[[fault]]\nname = \"attempt\"\nfunction = \"C_Login\"\nlabel = \"local\"\nlog = true\n\
             [[fault]]\nfunction = \"C_Sign\"\nlabel = \"local\"\nlose = \"login\"\n",
        );
        let calls = (0..40).map(|_| {
            let mut dev = dev.clone();
            async move { sign_once(&mut dev).await }
        });
        for result in join_all(calls).await {
            result.unwrap();
        }
        let attempts = rig.log_lines("rule=attempt");
        let most = if isolation == Isolation::Threads { 1 } else { 2 };
        assert!((1..=most).contains(&attempts.len()), "{isolation:?}: {attempts:#?}");
    }
}

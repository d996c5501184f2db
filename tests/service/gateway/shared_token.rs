//! Tests two services with data directories of their own on one token.

use std::process::Stdio;
use std::time::{Duration, Instant};

use super::fixture::{ADMIN, Gateway};
use super::{assign_crypto_user, create_invoices_key, sign};
use crate::support::{Client, signal};

#[tokio::test]
async fn second_service_on_a_token_destroys_no_object_of_the_first() {
    let mut gateway = Gateway::new();
    let port = gateway.start();
    let mut admin = Client::new(gateway.connect(port, None).await.unwrap(), Some(&gateway.token(ADMIN)));
    assign_crypto_user(&mut admin, ADMIN).await;
    let made = create_invoices_key(&mut admin).await.unwrap();
    sign(&mut admin, &made).await.unwrap();

    let (data, other) = (gateway.path("data"), gateway.path("other-data"));
    let configuration = gateway.configuration().replace(data.to_str().unwrap(), other.to_str().unwrap());
    gateway.write("other.toml", &configuration);
    let log = std::fs::File::create(gateway.path("other-log")).unwrap();
    let out = std::fs::File::create(gateway.path("other-stdout")).unwrap();
    let mut second = gateway
        .command(&["serve", "--config", "other.toml"])
        .stdout(Stdio::from(out))
        .stderr(log)
        .spawn()
        .unwrap();
    let started = Instant::now();
    let said = || std::fs::read_to_string(gateway.path("other-log")).unwrap();
    while !std::fs::read_to_string(gateway.path("other-stdout")).unwrap().ends_with('\n') {
        assert!(second.try_wait().unwrap().is_none(), "{}", said());
        assert!(started.elapsed() < Duration::from_secs(60), "{}", said());
        std::thread::sleep(Duration::from_millis(20));
    }
    // Both sweep at their start, and use the token.
    sign(&mut admin, &made).await.unwrap();
    signal(&second, "TERM");
    assert!(second.wait().unwrap().success(), "{}", said());
    sign(&mut admin, &made).await.unwrap();
    drop(admin);
    gateway.stop();
    let port = gateway.start();
    let mut admin = Client::new(gateway.connect(port, None).await.unwrap(), Some(&gateway.token(ADMIN)));
    sign(&mut admin, &made).await.unwrap();
    assert!(!gateway.log().contains("without material"), "{}", gateway.log());
}

//! Kills the server while secrets are written: what it acknowledged survives.

use std::collections::HashMap;
use std::time::Duration;

use crate::support::Client;

use super::{get, list, set, start, value};

/// Stores numbered values under a few names until the connection is lost. Returns the last acknowledged number of each name,
/// and the one whose reply was lost.
async fn write(mut client: Client, who: usize) -> (HashMap<String, usize>, Option<(String, usize)>) {
    let mut acknowledged = HashMap::new();
    for number in 0.. {
        let name = format!("s{who}-{}", number % 3);
        match set(&mut client, &name, &format!("value {who} {number}")).await {
            Ok(_) => acknowledged.insert(name, number),
            Err(_) => return (acknowledged, Some((name, number))),
        };
    }
    (acknowledged, None)
}

#[tokio::test]
async fn acknowledged_values_survive_kills() {
    let (mut server, dev) = start().await;
    let mut dev = dev;
    for round in 0..3 {
        let writers: Vec<_> = (0..4).map(|who| tokio::spawn(write(dev.clone(), round * 4 + who))).collect();
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.kill();
        let mut results = Vec::new();
        for writer in writers {
            results.push(writer.await.unwrap());
        }
        server.start_again();
        dev = server.client("dev").await;
        let mut total = 0;
        for (who, (acknowledged, lost)) in results.into_iter().enumerate() {
            let who = round * 4 + who;
            for (name, number) in acknowledged {
                let mut possible = vec![format!("value {who} {number}")];
                if let Some((_, lost)) = lost.as_ref().filter(|(of, _)| *of == name) {
                    possible.push(format!("value {who} {lost}"));
                }
                let found = value(&mut dev, &name).await;
                assert!(possible.contains(&found), "{name}: {found:?} is none of {possible:?}");
                total += 1;
            }
        }
        assert!(total >= 4, "only {total} secrets were written");
    }
    // Every version of a secret can be read, also those whose reply was lost.
    for secret in list(&mut dev).await {
        let name = secret.name.rsplit('/').next().unwrap().to_owned();
        for version in super::versions(&mut dev, &name).await {
            assert!(get(&mut dev, &version.name).await.unwrap().value.unwrap().starts_with("value "));
        }
    }
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}

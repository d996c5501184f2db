//! Renewal, notification and expiry of certificates by the clock, with their events and costs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::happening::What;

use super::super::client::Rest;
use super::test_issuer::{ended, set_issuer};
use super::{OpenSsl, authenticated, create, policy, with_vault};
use crate::hsms::Container;
use crate::lifecycle::{events_after, kinds};
use crate::support::{Client, days};
use crate::usage::midnight;

/// A policy of three months whose lifetime action is due 30 days before expiry.
fn renewed_policy(issuer: &str, action: &str) -> Value {
    let mut policy = policy(issuer, json!({"kty": "EC"}));
    policy["x509_props"]["validity_months"] = json!(3);
    policy["lifetime_actions"] =
        json!([{"trigger": {"days_before_expiry": 31}, "action": {"action_type": action}}]);
    policy
}

/// Freezes the clock at the first instant of a day.
async fn freeze_at(client: &mut Client, day: &str) {
    crate::usage::freeze_clock_at(client, day).await;
}

/// Advances the clock to a day, and returns what happened, with the day and the certificate.
async fn advance_to(client: &mut Client, day: &str) -> Vec<(String, String)> {
    let target = midnight(day).map(pb::advance_clock_request::Target::To);
    let request = pb::AdvanceClockRequest { target, force: true };
    let happenings = client.clock.advance_clock(request).await.unwrap().into_inner().happenings;
    let shown = happenings.into_iter().map(|happening| {
        let at = jiff::Timestamp::from_second(happening.at.unwrap().seconds).unwrap();
        let (word, name) = match happening.what.unwrap() {
            What::RenewedCertificate(name) => ("renewed", name),
            What::NotRenewedCertificate(name) => ("not renewed", name),
            What::CertificateNearExpiry(name) => ("near expiry", name),
            What::CertificateExpired(name) => ("expired", name),
            What::NotifiedContacts(name) => ("notified", name),
            What::RequestedRenewal(name) => ("requested", name),
            What::EndedCertificateOperation(name) => ("ended", name),
            other => panic!("{other:?}"),
        };
        (at.strftime("%Y-%m-%d").to_string(), format!("{word} {}", name.split('/').nth(3).unwrap()))
    });
    shown.collect()
}

fn expected<const N: usize>(all: [(&str, &str); N]) -> Vec<(String, String)> {
    all.into_iter().map(|(day, what)| (day.to_owned(), what.to_owned())).collect()
}

async fn versions(vault: &Rest, name: &str) -> Vec<Value> {
    let listed = vault.get(&format!("/certificates/{name}/versions")).await.json(200);
    listed["value"].as_array().unwrap().clone()
}

async fn wait_for_version(vault: &Rest, name: &str) {
    for _ in 0..500 {
        if vault.get(&format!("/certificates/{name}")).await.json(200).get("cer").is_some() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{name} is not issued");
}

#[tokio::test]
async fn certificates_renew_in_order_over_several_periods() {
    let (mut server, vault) = with_vault("standard").await;
    let mut dev = server.client("dev").await;
    freeze_at(&mut dev, "2050-01-01").await;
    set_issuer(&vault, "ca", "").await;
    let mut own = renewed_policy("Self", "AutoRenew");
    own["key_props"]["reuse_key"] = json!(true);
    let body = json!({"policy": own, "tags": {"team": "web"}});
    vault.post("/certificates/own/create", body).await.json(202);
    create(&vault, "issued", renewed_policy("ca", "AutoRenew")).await;
    wait_for_version(&vault, "issued").await;

    let happened = advance_to(&mut dev, "2050-05-15").await;
    let all = expected([
        ("2050-03-01", "requested issued"),
        ("2050-03-01", "renewed issued"),
        ("2050-03-01", "renewed own"),
        ("2050-05-01", "requested issued"),
        ("2050-05-01", "renewed issued"),
        ("2050-05-01", "renewed own"),
    ]);
    assert_eq!(happened, all);
    server.restart();
    let vault = authenticated(&server).await;
    let openssl = OpenSsl::new();
    for (name, issuer) in [("own", "www.example.com"), ("issued", "Strongroom Test Issuer")] {
        let versions = versions(&vault, name).await;
        assert_eq!(versions.len(), 3);
        let mut thumbprints: Vec<_> = versions.iter().map(|version| version["x5t"].to_string()).collect();
        thumbprints.dedup();
        assert_eq!(thumbprints.len(), 3);
        let bundle = vault.get(&format!("/certificates/{name}")).await.json(200);
        // As of May 1st, with three calendar months.
        let expiry = midnight("2050-08-01").unwrap().seconds;
        assert_eq!(bundle["attributes"]["exp"].as_i64(), Some(expiry));
        assert_eq!(bundle["pending"]["id"], format!("{}/certificates/{name}/pending", vault.base));
        openssl.certificate("renewed", &bundle);
        assert!(openssl.run("x509 -in renewed -noout -issuer").contains(issuer));
        let dates = openssl.run("x509 -in renewed -noout -enddate");
        assert!(dates.contains("Aug  1 00:00:00 2050 GMT"), "{dates}");
        // The companions have the new version.
        for collection in ["keys", "secrets"] {
            let found = vault.get(&format!("/{collection}/{name}")).await.json(200);
            let id = found["id"].as_str().or_else(|| found["key"]["kid"].as_str()).unwrap();
            assert_eq!(id.rsplit('/').next(), bundle["id"].as_str().unwrap().rsplit('/').next());
            assert_eq!(found["attributes"]["exp"].as_i64(), Some(expiry));
        }
        // A reused key is the same in all versions, others differ.
        let mut keys = Vec::new();
        for version in &versions {
            let version = version["id"].as_str().unwrap().rsplit('/').next().unwrap();
            let key = vault.get(&format!("/keys/{name}/{version}")).await.json(200);
            keys.push(key["key"]["x"].to_string());
        }
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), if name == "own" { 1 } else { 3 });
    }
    assert_eq!(versions(&vault, "own").await[2]["tags"], json!({"team": "web"}));

    // The renewals of the named issuer are charged, once each.
    let mut owner = server.client("owner").await;
    let statement = pb::GetStatementRequest {
        parent: Container::of(&server).vault("contoso"),
        from: midnight("2050-01-01"),
        to: midnight("2050-05-15"),
        plan: String::new(),
    };
    let lines = owner.usage.get_statement(statement).await.unwrap().into_inner().lines;
    let renewals: Vec<_> = lines.iter().filter(|line| line.class == "renewal").collect();
    assert_eq!(renewals.len(), 1);
    assert_eq!((renewals[0].quantity.as_str(), renewals[0].amount.as_str()), ("2", "6"));
    assert!(renewals[0].why.contains("2 versions of certificates"), "{}", renewals[0].why);

    let mut dev = server.client("dev").await;
    let events = events_after(&mut dev, "vaults/contoso/certificates", "0").await;
    let new: Vec<_> = kinds(&events);
    assert_eq!(new, ["certificate.new-version"; 6]);
    assert!(events.iter().all(|event| event.subject.starts_with("vaults/contoso/certificates/")));
}

#[tokio::test]
async fn certificates_are_reported_before_and_after_expiry() {
    let (server, vault) = with_vault("standard").await;
    let mut dev = server.client("dev").await;
    freeze_at(&mut dev, "2050-01-01").await;
    let contacts = json!({"contacts": [{"email": "a@example.com"}, {"email": "b@example.com"}]});
    vault.put("/certificates/contacts", contacts).await.json(200);
    create(&vault, "mail", renewed_policy("Self", "EmailContacts")).await;
    // A person renews the certificates of an unknown issuer, whatever the policy says.
    let body = json!({"value": self_signed_pem(), "policy": renewed_policy("Unknown", "AutoRenew")});
    vault.post("/certificates/manual/import", body).await.json(200);

    let happened = advance_to(&mut dev, "2050-04-02").await;
    let mail: Vec<_> = happened.iter().filter(|(_, what)| what.ends_with(" mail")).cloned().collect();
    let all = expected([
        ("2050-03-01", "notified mail"),
        ("2050-03-02", "near expiry mail"),
        ("2050-04-01", "expired mail"),
    ]);
    assert_eq!(mail, all);
    assert!(happened.iter().all(|(_, what)| !what.starts_with("renewed")), "{happened:?}");
    assert_eq!(versions(&vault, "mail").await.len(), 1);
    let events = events_after(&mut dev, "vaults/contoso/certificates", "0").await;
    let of_mail: Vec<_> = events.into_iter().filter(|event| event.subject.contains("/mail")).collect();
    assert_eq!(
        kinds(&of_mail),
        [
            "certificate.new-version",
            "certificate.contacts-notified",
            "certificate.near-expiry",
            "certificate.expired"
        ]
    );
    assert_eq!(of_mail[1].contacts, Some(2));
    for event in &of_mail[1..] {
        assert_eq!(event.expires, midnight("2050-04-01"));
    }
    // Each is reported once.
    assert_eq!(advance_to(&mut dev, "2050-12-01").await.len(), 0);
}

/// A certificate in PEM that is valid beyond the dates of the tests.
fn self_signed_pem() -> String {
    let openssl = OpenSsl::new();
    openssl.run("ecparam -name prime256v1 -genkey -noout -out key");
    openssl.run("pkcs8 -topk8 -nocrypt -in key -out pkcs8");
    openssl.run("req -x509 -new -key key -subj /CN=manual -days 20000 -out certificate");
    let text = [openssl.read("pkcs8"), openssl.read("certificate")].concat();
    STANDARD.encode(text)
}

#[tokio::test]
async fn failed_renewals_back_off_and_block_nothing_else() {
    let (server, vault) = with_vault("standard").await;
    let mut dev = server.client("dev").await;
    freeze_at(&mut dev, "2050-01-01").await;
    set_issuer(&vault, "ca", "").await;
    set_issuer(&vault, "removed", "").await;
    for name in ["ca", "removed"] {
        create(&vault, name, renewed_policy(name, "AutoRenew")).await;
        wait_for_version(&vault, name).await;
    }
    create(&vault, "own", renewed_policy("Self", "AutoRenew")).await;
    set_issuer(&vault, "ca", "fail").await;
    vault.delete("/certificates/issuers/removed").await.json(200);
    dev.clock.advance_clock(days(58)).await.unwrap();

    let happened = advance_to(&mut dev, "2050-03-02").await;
    let count = |wanted: &str| happened.iter().filter(|(_, what)| what == wanted).count();
    assert_eq!(count("renewed own"), 1, "{happened:?}");
    // At 0, 1, 3, 7 and 15 hours.
    assert_eq!((count("not renewed ca"), count("not renewed removed")), (5, 5), "{happened:?}");
    let events = events_after(&mut dev, "vaults/contoso/certificates", "0").await;
    let not_renewed: Vec<_> = events.iter().filter(|event| event.kind == "certificate.not-renewed").collect();
    assert_eq!(not_renewed.len(), 2, "the first failure alone is an event");

    // With the issuer repaired, the next attempt succeeds and nothing is left to do.
    set_issuer(&vault, "ca", "").await;
    set_issuer(&vault, "removed", "").await;
    let happened = advance_to(&mut dev, "2050-03-03").await;
    for name in ["ca", "removed"] {
        assert!(happened.iter().any(|(_, what)| *what == format!("renewed {name}")), "{happened:?}");
        assert_eq!(versions(&vault, name).await.len(), 2);
    }
    let mut owner = server.client("owner").await;
    let statement = pb::GetStatementRequest {
        parent: Container::of(&server).vault("contoso"),
        from: midnight("2050-01-01"),
        to: midnight("2050-03-04"),
        plan: String::new(),
    };
    let lines = owner.usage.get_statement(statement).await.unwrap().into_inner().lines;
    let renewals = lines.iter().find(|line| line.class == "renewal").unwrap();
    assert_eq!(renewals.quantity, "2", "failed renewals are not charged");
    let failed = |record: &Value| {
        record["operationName"] == "CertificateRenewIfDue" && record["resultType"] != "Success"
    };
    let records = server.audit_where(5, failed);
    assert_eq!(records.len(), 5, "the issuer that is missing, at each attempt");
    assert_eq!(records[0]["clientInfo"], "strongroom-scheduler");
}

#[tokio::test]
async fn cancelled_renewal_is_requested_again_later() {
    let (server, vault) = with_vault("standard").await;
    let mut dev = server.client("dev").await;
    freeze_at(&mut dev, "2050-01-01").await;
    set_issuer(&vault, "ca", "").await;
    create(&vault, "web", renewed_policy("ca", "AutoRenew")).await;
    wait_for_version(&vault, "web").await;
    let before = vault.get("/certificates/web").await.json(200);
    set_issuer(&vault, "ca", "delay=48h").await;

    let requested = expected([("2050-03-01", "requested web"), ("2050-03-02", "near expiry web")]);
    assert_eq!(advance_to(&mut dev, "2050-03-02").await, requested);
    // Until the issuer answers, the certificate is the former one.
    assert_eq!(vault.get("/certificates/web").await.json(200), before);
    let body = json!({"cancellation_requested": true});
    vault.patch("/certificates/web/pending", body).await.json(200);
    let cancelled = ended(&vault, "web").await.json(200);
    assert_eq!(cancelled["status"], "cancelled");
    // An hour later, and issued after two days.
    assert_eq!(advance_to(&mut dev, "2050-03-03").await, expected([("2050-03-02", "requested web")]));
    assert_eq!(advance_to(&mut dev, "2050-03-05").await, expected([("2050-03-04", "renewed web")]));
    assert_eq!(versions(&vault, "web").await.len(), 2);
    let events = events_after(&mut dev, "vaults/contoso/certificates", "0").await;
    let not_renewed = events.iter().filter(|event| event.kind == "certificate.not-renewed");
    assert_eq!(not_renewed.count(), 1);
}

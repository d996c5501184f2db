//! Generating a key, or a new version of one.

use std::collections::{BTreeSet, HashMap};

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::calls::{invalid_field, key, refusal, sign};
use crate::software::{CURVES, digest, verifies};
use crate::support::{Server, ec, error_metadata, oct, rsa};

/// Returns a request that sets only the name and the type of the key.
fn of_type(id: &str, kty: &str) -> pb::CreateKeyRequest {
    pb::CreateKeyRequest { key_id: id.to_owned(), kty: kty.to_owned(), ..Default::default() }
}

fn operations(bundle: &pb::KeyBundle) -> BTreeSet<&str> {
    bundle.key_ops.iter().map(String::as_str).collect()
}

fn tags(tags: &[(&str, &str)]) -> HashMap<String, String> {
    tags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn applies_azure_defaults() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let all = BTreeSet::from(["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]);
    for (kty, stored, size, curve, expected) in [
        ("RSA", "RSA-HSM", 2048, "", all.clone()),
        ("RSA-HSM", "RSA-HSM", 2048, "", all.clone()),
        ("EC", "EC-HSM", 0, "P-256", BTreeSet::from(["sign", "verify", "deriveKey"])),
        ("EC-HSM", "EC-HSM", 0, "P-256", BTreeSet::from(["sign", "verify", "deriveKey"])),
        ("oct", "oct-HSM", 256, "", all.clone()),
        ("oct-HSM", "oct-HSM", 256, "", all),
    ] {
        let made = dev.create(of_type(&format!("default-{kty}"), kty)).await.unwrap();
        assert_eq!((made.kty.as_str(), made.key_size), (stored, size));
        assert_eq!(made.key.as_ref().map_or("", |public| &public.crv), curve);
        assert_eq!(operations(&made), expected, "{kty}");
        let version = made.name.strip_prefix(&format!("{}/versions/", key(&format!("default-{kty}"))));
        let version = version.unwrap_or_else(|| panic!("{}", made.name));
        assert!(version.len() == 32 && version.bytes().all(|digit| digit.is_ascii_hexdigit()), "{version}");
        assert!(made.enabled && !made.exportable && made.tags.is_empty());
        assert!(made.not_before.is_none() && made.expires.is_none());
        assert!(made.created.is_some());
        assert_eq!(made.created, made.updated);
        assert_eq!((made.recovery_level.as_str(), made.recoverable_days), ("Recoverable+Purgeable", 90));
        match &made.key {
            Some(public) if stored == "RSA-HSM" => {
                assert_eq!((public.n.len(), &public.e[..]), (256, &[1, 0, 1][..]))
            }
            Some(public) => assert_eq!((public.x.len(), public.y.len()), (32, 32)),
            None => assert_eq!(stored, "oct-HSM"),
        }
        let found = dev.keys.get_key(pb::GetKeyRequest { name: made.name.clone() }).await.unwrap();
        assert_eq!(found.into_inner(), made);
    }
}

#[tokio::test]
async fn creates_every_size_curve_and_exponent() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for (bits, public_exponent, expected) in
        [(2048, 3, &[3][..]), (2048, 17, &[17]), (2048, u32::MAX, &[0xff; 4]), (3072, 65537, &[1, 0, 1])]
    {
        let id = format!("rsa-{bits}-{public_exponent}");
        let public_exponent = Some(public_exponent);
        let request = pb::CreateKeyRequest { public_exponent, ..rsa(&id, bits) };
        let made = dev.create(request).await.unwrap();
        let public = made.key.unwrap();
        assert_eq!((made.key_size, &public.e[..]), (bits, expected), "{id}");
        assert!(public.n.len() == bits as usize / 8 && public.n[0] >= 0x80, "{id}");
        let digest = digest("PS256", b"message");
        let signed = sign(&mut dev, &made.name, "PS256", &digest).await.unwrap();
        assert!(verifies(&public, "PS256", &digest, &signed.signature), "{id}");
    }
    let made = dev.create(rsa("rsa-4096", 4096)).await.unwrap();
    assert_eq!((made.key_size, made.key.unwrap().e), (4096, vec![1, 0, 1]));
    for name in ["secp256k1", "SECP256K1"] {
        let made = dev.create(ec(name, name)).await.unwrap();
        assert_eq!(made.key.unwrap().crv, "P-256K");
    }
    for (curve, algorithm, width) in CURVES {
        let made = dev.create(ec(&format!("ec-{curve}"), curve)).await.unwrap();
        let public = made.key.unwrap();
        assert_eq!((public.crv.as_str(), public.x.len(), public.y.len()), (curve, width, width));
        let digest = digest(algorithm, b"message");
        let signed = sign(&mut dev, &made.name, algorithm, &digest).await.unwrap();
        assert!(verifies(&public, algorithm, &digest, &signed.signature), "{curve}");
    }
    for bits in [128, 192, 256] {
        let made = dev.create(oct(&format!("oct-{bits}"), bits)).await.unwrap();
        assert_eq!((made.key_size, made.key), (bits, None));
    }
}

#[tokio::test]
async fn rejects_invalid_arguments_and_names_the_field() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let rsa = || of_type("refused", "RSA");
    let ec = || of_type("refused", "EC");
    let oct = || of_type("refused", "oct");
    let with = |exponent| pb::CreateKeyRequest { public_exponent: Some(exponent), ..rsa() };
    let sized = |request: pb::CreateKeyRequest, key_size| pb::CreateKeyRequest {
        key_size: Some(key_size),
        ..request
    };
    let on = |request: pb::CreateKeyRequest, crv: &str| pb::CreateKeyRequest {
        crv: Some(crv.to_owned()),
        ..request
    };
    let named = |id: &str| pb::CreateKeyRequest { key_id: id.to_owned(), ..ec() };
    let at = |seconds, nanos| Some(prost_types::Timestamp { seconds, nanos });
    let valid = |not_before, expires| pb::CreateKeyRequest {
        attributes: Some(pb::KeyAttributes { not_before, expires, ..Default::default() }),
        ..ec()
    };
    let mut cases = vec![
        ("key_id", named("")),
        ("key_id", named("with space")),
        ("key_id", named("under_score")),
        ("key_id", named("slash/slash")),
        ("key_id", named("schlüssel")),
        ("key_id", named(&"x".repeat(128))),
        ("parent", pb::CreateKeyRequest { parent: "local".to_owned(), ..ec() }),
        ("crv", on(ec(), "P-192")),
        ("crv", on(ec(), "p-256")),
        ("crv", on(ec(), "secp256r1")),
        ("crv", on(ec(), "")),
        ("crv", on(rsa(), "")),
        ("crv", on(ec(), "Ed25519")),
        ("crv", on(rsa(), "P-256")),
        ("crv", on(oct(), "P-256")),
        ("key_size", sized(ec(), 256)),
        ("key_size", sized(ec(), 0)),
        ("public_exponent", pb::CreateKeyRequest { public_exponent: Some(0), ..oct() }),
        ("no_key_ops", pb::CreateKeyRequest { no_key_ops: true, key_ops: vec!["sign".to_owned()], ..ec() }),
        ("attributes.expires", valid(None, at(253_402_300_800, 0))),
        ("public_exponent", pb::CreateKeyRequest { public_exponent: Some(3), ..ec() }),
        ("public_exponent", pb::CreateKeyRequest { public_exponent: Some(65537), ..oct() }),
        ("attributes.expires", valid(at(2_000_000_000, 0), at(2_000_000_000, 0))),
        ("attributes.expires", valid(at(2_000_000_000, 0), at(1_999_999_999, 0))),
        ("attributes.expires", valid(None, at(i64::MAX, 0))),
        ("attributes.not_before", valid(at(i64::MIN, 0), None)),
        ("attributes.not_before", valid(at(0, -1), None)),
        ("attributes.not_before", valid(at(0, 1_000_000_000), None)),
    ];
    cases.extend(["", "rsa", "RSA_HSM", "OKP", "AES", "EC-HSM "].map(|kty| ("kty", of_type("refused", kty))));
    cases.extend([0, 1, 512, 1024, 2047, 2049, 8192, u32::MAX].map(|bits| ("key_size", sized(rsa(), bits))));
    cases.extend([0, 1, 16, 64, 129, 512, u32::MAX].map(|bits| ("key_size", sized(oct(), bits))));
    cases.extend([0, 1, 2, 4, 65536].map(|exponent| ("public_exponent", with(exponent))));
    for (request, wrong) in [
        (rsa(), &["deriveKey"][..]),
        (rsa(), &["import", "sign"]),
        (ec(), &["encrypt"]),
        (ec(), &["sign", "wrapKey"]),
        (ec(), &["import"]),
        (oct(), &["deriveKey"]),
        (oct(), &["import"]),
        (oct(), &["Sign"]),
        (oct(), &["sign", ""]),
        (oct(), &["all"]),
    ] {
        let key_ops = wrong.iter().map(|operation| (*operation).to_owned()).collect();
        cases.push(("key_ops", pb::CreateKeyRequest { key_ops, ..request }));
    }
    for (field, request) in cases {
        let shown = format!("{request:?}");
        assert_eq!(invalid_field(dev.create(request).await), field, "{shown}");
    }

    // Recognized, but not implemented.
    let exportable = pb::KeyAttributes { exportable: Some(true), ..Default::default() };
    let mut missing = vec![pb::CreateKeyRequest { attributes: Some(exportable), ..ec() }];
    for (request, operation) in [(rsa(), "import"), (rsa(), "export"), (ec(), "export"), (oct(), "export")] {
        missing.push(pb::CreateKeyRequest { key_ops: vec![operation.to_owned()], ..request });
    }
    for request in missing {
        let shown = format!("{request:?}");
        let answer = refusal(dev.create(request).await);
        assert_eq!(answer, (Code::Unimplemented, "NOT_AVAILABLE".to_owned()), "{shown}");
    }
    let elsewhere = pb::CreateKeyRequest { parent: "hsms/elsewhere".to_owned(), ..ec() };
    assert_eq!(refusal(dev.create(elsewhere).await), (Code::NotFound, "HSM_NOT_FOUND".to_owned()));
    let request = pb::ListKeysRequest { parent: "hsms/local".to_owned(), ..Default::default() };
    assert_eq!(dev.keys.list_keys(request).await.unwrap().into_inner().keys, []);
}

#[tokio::test]
async fn stores_the_requested_attributes_and_tags() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let request = pb::CreateKeyRequest {
        key_ops: vec!["verify".to_owned(), "sign".to_owned(), "sign".to_owned()],
        attributes: Some(pb::KeyAttributes {
            enabled: Some(false),
            not_before: at(2_000_000_000),
            // The last second of the year 9999.
            expires: at(253_402_300_799),
            exportable: Some(false),
        }),
        tags: tags(&[("owner", "billing"), ("empty", ""), ("trailing ", "blank ")]),
        ..rsa(&"x".repeat(127), 0)
    };
    let made = dev.create(request.clone()).await.unwrap();
    assert_eq!(operations(&made), BTreeSet::from(["sign", "verify"]));
    assert_eq!(made.key_ops.len(), 2);
    assert!(!made.enabled);
    assert_eq!((made.not_before, made.expires), (at(2_000_000_000), at(253_402_300_799)));
    assert_eq!(made.tags, request.tags);

    // The limits: 15 tags, with names and values of 256 characters, not bytes.
    let long = "ä".repeat(256);
    let mut most: HashMap<String, String> = (1..15).map(|n| (format!("tag-{n}"), long.clone())).collect();
    most.insert(long.clone(), String::new());
    assert_eq!(most.len(), 15);
    let tagged =
        |tags: &HashMap<String, String>| pb::CreateKeyRequest { tags: tags.clone(), ..ec("tagged", "") };
    assert_eq!(dev.create(tagged(&most)).await.unwrap().tags, most);
    let mut more = most.clone();
    more.insert("sixteenth".to_owned(), String::new());
    let longer = "x".repeat(257);
    for wrong in [more, tags(&[(&longer, "")]), tags(&[("name", &longer)]), tags(&[("", "value")])] {
        assert_eq!(invalid_field(dev.create(tagged(&wrong)).await), "tags");
    }
}

#[tokio::test]
async fn new_version_inherits_only_the_name() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let request = pb::CreateKeyRequest {
        key_ops: vec!["sign".to_owned()],
        tags: tags(&[("owner", "billing")]),
        ..ec("Invoices", "P-384")
    };
    let first = dev.create(request).await.unwrap();
    let second = dev.create(of_type("INVOICES", "oct")).await.unwrap();
    assert!(second.name.starts_with("hsms/local/keys/Invoices/versions/"), "{}", second.name);
    assert_ne!(first.name, second.name);
    assert_eq!((second.kty.as_str(), second.tags.len(), second.key_ops.len()), ("oct-HSM", 0, 6));
    let get = |name: &str| pb::GetKeyRequest { name: name.to_owned() };
    assert_eq!(dev.keys.get_key(get(&key("invoices"))).await.unwrap().into_inner(), second);
    assert_eq!(dev.keys.get_key(get(&first.name)).await.unwrap().into_inner(), first);
}

#[tokio::test]
async fn limits_a_key_to_100_versions() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let mut names = BTreeSet::new();
    for _ in 0..100 {
        names.insert(dev.create(ec("invoices", "P-256")).await.unwrap().name);
    }
    assert_eq!(names.len(), 100);
    let status = dev.create(ec("invoices", "P-256")).await.unwrap_err();
    assert_eq!(error_metadata(&status, "limit"), "100");
    assert_eq!(refusal::<()>(Err(status)), (Code::ResourceExhausted, "LIMIT_EXCEEDED".to_owned()));
    // The limit applies per key.
    dev.create(ec("orders", "P-256")).await.unwrap();
}

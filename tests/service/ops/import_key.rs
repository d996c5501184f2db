//! Importing a key. A rejected import leaves no object in the token.

use std::path::Path;

use strongroom::api::grpc::pb;
use strongroom::public_key;
use tonic::Code;

use crate::calls::{import, invalid_field, key, refusal, sign, try_import};
use crate::software::ec_key::EcKey;
use crate::software::rsa_key::RsaKey;
use crate::software::{CURVES, digest, flip, symmetric, verifies};
use crate::support::{Client, Server, ec};

/// Returns the number of objects in the token: SoftHSM has one file per object.
fn objects(server: &Server) -> usize {
    fn count(directory: &Path) -> usize {
        let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        entries
            .map(|path| {
                let object = path.extension().is_some_and(|extension| extension == "object");
                if path.is_dir() { count(&path) } else { usize::from(object) }
            })
            .sum()
    }
    count(&server.directory().join("softhsm"))
}

async fn assert_signs(dev: &mut Client, bundle: &pb::KeyBundle, algorithm: &str) {
    let digest = digest(algorithm, b"message");
    let signed = sign(dev, &bundle.name, algorithm, &digest).await.unwrap();
    assert!(verifies(bundle.key.as_ref().unwrap(), algorithm, &digest, &signed.signature), "{algorithm}");
}

#[tokio::test]
async fn imports_every_key_type() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for (id, imported, bits) in
        [("smaller", RsaKey::of_2048_bits(), 2048), ("larger", RsaKey::of_3072_bits(), 3072)]
    {
        let material = imported.material();
        let taken = import(&mut dev, id, material.clone()).await;
        let public = pb::JsonWebKey { n: material.n, e: material.e, ..Default::default() };
        assert_eq!((taken.kty.as_str(), taken.key_size, &taken.key), ("RSA-HSM", bits, &Some(public)));
        assert_signs(&mut dev, &taken, "PS256").await;
    }
    for (curve, algorithm, _) in CURVES {
        let material = EcKey::new(curve, 5).material();
        let taken = import(&mut dev, curve, material.clone()).await;
        let pb::ImportKeyMaterial { crv, x, y, .. } = material;
        let public = pb::JsonWebKey { crv, x, y, ..Default::default() };
        assert_eq!((taken.kty.as_str(), taken.key_size, &taken.key), ("EC-HSM", 0, &Some(public)));
        assert_signs(&mut dev, &taken, algorithm).await;
    }
    for (bits, size) in [(128, 128), (192, 192), (256, 256)] {
        let taken = import(&mut dev, &format!("oct-{bits}"), symmetric::material(bits)).await;
        assert_eq!((taken.kty.as_str(), taken.key_size, &taken.key), ("oct-HSM", size, &None));
        let mac = sign(&mut dev, &taken.name, "HS256", &[7; 32]).await.unwrap().signature;
        assert_eq!(mac, symmetric::mac("HS256", bits, &[7; 32]));
    }
    // With the key types of RFC 7518, keys are stored in the HSM as well.
    for (id, kty, stored, material) in [
        ("software-rsa", "RSA", "RSA-HSM", RsaKey::of_2048_bits().material()),
        ("software-ec", "EC", "EC-HSM", EcKey::new("P-256", 5).material()),
        ("software-oct", "oct", "oct-HSM", symmetric::material(128)),
    ] {
        let taken = import(&mut dev, id, pb::ImportKeyMaterial { kty: kty.to_owned(), ..material }).await;
        assert_eq!(taken.kty, stored);
        assert!(taken.enabled && taken.created.is_some());
        assert_eq!(taken.created, taken.updated);
        assert_eq!((taken.recovery_level.as_str(), taken.recoverable_days), ("Recoverable+Purgeable", 90));
        let operations = if stored == "EC-HSM" { 3 } else { 6 };
        assert_eq!(taken.key_ops.len(), operations, "{stored}");
    }
}

#[tokio::test]
async fn strips_leading_zeros_of_rsa_integers() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let right = RsaKey::of_2048_bits().material();
    let public = pb::JsonWebKey { n: right.n.clone(), e: right.e.clone(), ..Default::default() };
    let sign_byte = pb::ImportKeyMaterial { n: [&[0], &right.n[..]].concat(), ..right.clone() };
    let mut everywhere = right;
    let pb::ImportKeyMaterial { n, e, d, p, q, dp, dq, qi, .. } = &mut everywhere;
    for number in [n, e, d, p, q, dp, dq, qi] {
        number.splice(0..0, [0, 0]);
    }
    for (id, material) in [("sign-byte", sign_byte), ("everywhere", everywhere)] {
        let taken = import(&mut dev, id, material).await;
        assert_eq!((taken.key_size, taken.key.as_ref()), (2048, Some(&public)), "{id}");
        for algorithm in ["RS256", "PS512", "RSNULL"] {
            assert_signs(&mut dev, &taken, algorithm).await;
        }
    }
}

/// az omits leading zero bytes, the Azure SDK for Java prepends a sign byte. The scalars of these keys begin with zeros, as
/// one in 256 coordinates does (on P-521, every other one: the first byte has one bit).
#[tokio::test]
async fn accepts_ec_integers_with_stripped_or_extra_zeros() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let short = |number: &[u8]| public_key::strip_leading_zeros(number).to_vec();
    let long = |number: &[u8]| [&[0], number].concat();
    for (curve, algorithm, width) in CURVES {
        // Prefer a key with a coordinate that begins with a zero byte, too.
        let whole = (1..=u8::MAX)
            .map(|seed| EcKey::new(curve, seed).material())
            .find(|key| key.x[0] == 0 || key.y[0] == 0)
            .unwrap_or_else(|| EcKey::new(curve, 5).material());
        for (name, with) in [("short", &short as &dyn Fn(&[u8]) -> Vec<u8>), ("long", &long)] {
            let (x, y, d) = (with(&whole.x), with(&whole.y), with(&whole.d));
            assert!([&x, &y, &d].iter().any(|number| number.len() != width), "{curve} {name}");
            let material = pb::ImportKeyMaterial { x, y, d, ..whole.clone() };
            let taken = import(&mut dev, &format!("{name}-{curve}"), material).await;
            let public = taken.key.clone().unwrap();
            assert_eq!((&public.x, &public.y), (&whole.x, &whole.y), "{curve} {name}");
            assert_signs(&mut dev, &taken, algorithm).await;
        }
    }
    for name in ["secp256k1", "SECP256K1"] {
        let material = pb::ImportKeyMaterial { crv: name.to_owned(), ..EcKey::new("P-256K", 5).material() };
        assert_eq!(import(&mut dev, name, material).await.key.unwrap().crv, "P-256K");
    }
}

#[tokio::test]
async fn rejected_import_leaves_no_objects() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let before = objects(&server);
    let (rsa, ec) = (RsaKey::of_2048_bits().material(), EcKey::new("P-256", 5).material());
    let other = EcKey::new("P-256", 6).material();
    let oct = |k: Vec<u8>| pb::ImportKeyMaterial { k, ..symmetric::material(128) };
    let typed = |kty: &str| pb::ImportKeyMaterial { kty: kty.to_owned(), ..rsa.clone() };
    let on = |crv: &str| pb::ImportKeyMaterial { crv: crv.to_owned(), ..ec.clone() };
    let marked = b"a secret that is in no log at all";
    let mut wrong = vec![
        ("key.n", pb::ImportKeyMaterial { n: flip(&rsa.n, 9), ..rsa.clone() }),
        ("key.n", pb::ImportKeyMaterial { n: rsa.n[1..].to_vec(), ..rsa.clone() }),
        ("key.e", pb::ImportKeyMaterial { e: vec![3], ..rsa.clone() }),
        ("key.e", pb::ImportKeyMaterial { e: vec![1, 0, 0], ..rsa.clone() }),
        ("key.d", pb::ImportKeyMaterial { d: flip(&rsa.d, 2047), ..rsa.clone() }),
        ("key.p", pb::ImportKeyMaterial { p: flip(&rsa.p, 1023), ..rsa.clone() }),
        ("key.q", pb::ImportKeyMaterial { q: flip(&rsa.q, 1023), ..rsa.clone() }),
        ("key.dp", pb::ImportKeyMaterial { dp: flip(&rsa.dp, 9), ..rsa.clone() }),
        ("key.dq", pb::ImportKeyMaterial { dq: vec![], ..rsa.clone() }),
        ("key.qi", pb::ImportKeyMaterial { qi: vec![1], ..rsa.clone() }),
        ("key.p", pb::ImportKeyMaterial { p: vec![], q: vec![], ..rsa.clone() }),
        ("key.d", pb::ImportKeyMaterial { d: other.d.clone(), ..ec.clone() }),
        ("key.d", pb::ImportKeyMaterial { d: vec![0; 32], ..ec.clone() }),
        ("key.d", pb::ImportKeyMaterial { d: vec![0xff; 32], ..ec.clone() }),
        ("key.d", pb::ImportKeyMaterial { d: ec.d[2..].to_vec(), ..ec.clone() }),
        ("key.d", pb::ImportKeyMaterial { d: [&[1], &ec.d[..]].concat(), ..ec.clone() }),
        ("key.d", pb::ImportKeyMaterial { d: vec![], ..ec.clone() }),
        ("key.x", pb::ImportKeyMaterial { x: ec.x[1..].to_vec(), ..ec.clone() }),
        ("key.x", pb::ImportKeyMaterial { x: flip(&ec.x, 9), ..ec.clone() }),
        ("key.x", pb::ImportKeyMaterial { x: other.x, ..ec.clone() }),
        ("key.y", pb::ImportKeyMaterial { y: flip(&ec.y, 9), ..ec.clone() }),
        ("key.y", pb::ImportKeyMaterial { y: vec![], ..ec.clone() }),
        ("key.crv", on("")),
        ("key.crv", on("P-224")),
        ("key.x", on("P-384")),
        ("key.k", oct(marked.to_vec())),
    ];
    wrong.extend([0, 1, 15, 17, 31, 33, 48, 64, 65].map(|length| ("key.k", oct(vec![7; length]))));
    wrong.extend(["", "rsa", "OKP", "RSA-HSM-HSM"].map(|kty| ("key.kty", typed(kty))));
    let mut refused = wrong.len();
    for (number, (field, material)) in wrong.into_iter().enumerate() {
        let answer = try_import(&mut dev, "refused", material).await;
        assert_eq!(invalid_field(answer), field, "case {number}");
    }
    assert_eq!(invalid_field(try_import(&mut dev, "refused", None).await), "key");
    // A point of another curve that has the right width is not on this curve.
    let answer = try_import(&mut dev, "refused", on("P-256K")).await;
    assert!(["key.x", "key.y", "key.d"].contains(&invalid_field(answer).as_str()));
    refused += 2;

    let list = pb::ListKeysRequest { parent: "hsms/local".to_owned(), ..Default::default() };
    assert_eq!(dev.keys.list_keys(list).await.unwrap().into_inner().keys, []);
    assert_eq!(objects(&server), before);
    let answer = sign(&mut dev, &key("refused"), "ES256", &[7; 32]).await;
    assert_eq!(refusal(answer), (Code::NotFound, "KEY_NOT_FOUND".to_owned()));
    let records = server.audit(refused + 2);
    let imports: Vec<_> = records.iter().filter(|record| record["operationName"] == "KeyImport").collect();
    assert_eq!(imports.len(), refused);
    for record in imports {
        assert_eq!(
            (&record["resultType"], &record["resultSignature"], &record["httpStatusCode"]),
            (&"Failure".into(), &"BAD_PARAMETER".into(), &400.into())
        );
    }
    // Neither the audit log nor the service log contains the key material.
    let text = String::from_utf8(marked.to_vec()).unwrap();
    assert!(!format!("{records:?}").contains(&text) && !server.log().contains(&text));
}

#[tokio::test]
async fn import_adds_a_version_unless_the_key_is_deleted() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let first = dev.create(ec("Invoices", "P-256")).await.unwrap();
    let second = import(&mut dev, "invoices", EcKey::new("P-256", 5).material()).await;
    assert!(second.name.starts_with("hsms/local/keys/Invoices/versions/"), "{}", second.name);
    assert_ne!(first.name, second.name);
    let digest = digest("ES256", b"message");
    for (asked, signer) in [(key("invoices"), &second), (first.name.clone(), &first)] {
        let signed = sign(&mut dev, &asked, "ES256", &digest).await.unwrap();
        assert_eq!(signed.name, signer.name);
        assert!(verifies(signer.key.as_ref().unwrap(), "ES256", &digest, &signed.signature));
    }

    let held = objects(&server);
    dev.keys.delete_key(pb::DeleteKeyRequest { name: key("invoices") }).await.unwrap();
    let answer = try_import(&mut dev, "INVOICES", EcKey::new("P-256", 6).material()).await;
    assert_eq!(refusal(answer), (Code::AlreadyExists, "KEY_DELETED_BUT_RECOVERABLE".to_owned()));
    assert_eq!(objects(&server), held);
}

#[tokio::test]
async fn stores_and_validates_the_requested_attributes() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let right = pb::ImportKeyRequest {
        parent: "hsms/local".to_owned(),
        key_id: "invoices".to_owned(),
        key: Some(EcKey::new("P-521", 5).material()),
        key_ops: vec!["verify".to_owned()],
        attributes: Some(pb::KeyAttributes {
            enabled: Some(false),
            not_before: at(2_000_000_000),
            expires: at(2_100_000_000),
            exportable: None,
        }),
        tags: [("owner".to_owned(), "billing".to_owned())].into(),
        no_key_ops: false,
    };
    let taken = dev.keys.import_key(right.clone()).await.unwrap().into_inner();
    assert_eq!((&taken.key_ops, &taken.tags), (&right.key_ops, &right.tags));
    assert!(!taken.enabled);
    assert_eq!((taken.not_before, taken.expires), (at(2_000_000_000), at(2_100_000_000)));

    let attributes = |attributes| pb::ImportKeyRequest { attributes: Some(attributes), ..right.clone() };
    let expires = pb::KeyAttributes { not_before: at(2), expires: at(1), ..Default::default() };
    let tags = (0..16).map(|number| (number.to_string(), String::new())).collect();
    for (field, wrong) in [
        ("key_id", pb::ImportKeyRequest { key_id: "no such name".to_owned(), ..right.clone() }),
        ("parent", pb::ImportKeyRequest { parent: String::new(), ..right.clone() }),
        ("key_ops", pb::ImportKeyRequest { key_ops: vec!["encrypt".to_owned()], ..right.clone() }),
        ("no_key_ops", pb::ImportKeyRequest { no_key_ops: true, ..right.clone() }),
        ("tags", pb::ImportKeyRequest { tags, ..right.clone() }),
        ("attributes.expires", attributes(expires)),
    ] {
        assert_eq!(invalid_field(dev.keys.import_key(wrong).await), field);
    }
    let exportable = pb::KeyAttributes { exportable: Some(true), ..Default::default() };
    let answer = refusal(dev.keys.import_key(attributes(exportable)).await);
    assert_eq!(answer, (Code::Unimplemented, "NOT_AVAILABLE".to_owned()));
}

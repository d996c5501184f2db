//! Variants of input that clients send: empty and null members, both alphabets of base64, short EC integers, dates that
//! mean "never", and percent-encoded letters in paths.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::client::{Rest, base64url};
use crate::roles::support::guid;
use crate::software::ec_key::EcKey;
use crate::support::Server;

fn decoded(text: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap()
}

/// Returns the `key_ops` of a key bundle.
fn operations(bundle: &Value) -> Vec<&str> {
    bundle["key"]["key_ops"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

#[tokio::test]
async fn empty_key_ops_permit_nothing_and_absent_key_ops_are_kept() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    let value = base64url(&[7; 32]);
    let sign = json!({"alg": "ES256", "value": value});
    let forbidden = "Operation sign is not permitted on this key.";

    dev.create("k", json!({"kty": "EC"})).await;
    for body in
        [json!({}), json!({"key_ops": null}), json!({"attributes": null, "tags": null, "key_ops": null})]
    {
        assert_eq!(operations(&dev.patch("/keys/k", body).await.json(200)), ["sign", "verify", "deriveKey"]);
    }
    dev.post("/keys/k/sign", sign.clone()).await.json(200);
    assert!(operations(&dev.patch("/keys/k", json!({"key_ops": []})).await.json(200)).is_empty());
    assert!(operations(&dev.get("/keys/k").await.json(200)).is_empty());
    assert_eq!(dev.post("/keys/k/sign", sign.clone()).await.error(403, "Forbidden"), forbidden);
    let verify = json!({"alg": "ES256", "digest": value, "value": base64url(&[7; 64])});
    dev.post("/keys/k/verify", verify).await.error(403, "Forbidden");
    assert!(
        operations(&dev.patch("/keys/k", json!({"attributes": {"enabled": true}})).await.json(200))
            .is_empty()
    );

    // Likewise for created and imported keys, and for a version created by rotation.
    let policy =
        json!({"lifetimeActions": [{"action": {"type": "Rotate"}, "trigger": {"timeAfterCreate": "P90D"}}]});
    let made = dev.create("made", json!({"kty": "EC", "key_ops": []})).await;
    dev.put("/keys/made/rotationpolicy", policy).await.json(200);
    let rotated = dev.post("/keys/made/rotate", Value::Null).await.json(200);
    let oct = json!({"kty": "oct", "k": base64url(&[3; 32]), "key_ops": []});
    let imported = dev.put("/keys/imported", json!({"key": oct})).await.json(200);
    for bundle in [&made, &rotated, &imported] {
        assert!(operations(bundle).is_empty(), "{bundle}");
    }
    assert_eq!(dev.post("/keys/made/sign", sign).await.error(403, "Forbidden"), forbidden);
    // The operations survive a restart.
    let mut server = server;
    server.restart();
    let dev = Rest::authenticated(&server, "dev").await;
    assert!(operations(&dev.get("/keys/k").await.json(200)).is_empty());
}

#[tokio::test]
async fn rejects_zeros_and_empty_names_and_treats_null_as_absent() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    for (body, begins) in [
        (json!({"kty": "RSA", "key_size": 0}), "key_size: "),
        (json!({"kty": "RSA", "public_exponent": 0}), "public_exponent: "),
        (json!({"kty": "RSA", "crv": ""}), "crv: "),
        (json!({"kty": "EC", "crv": ""}), "crv: "),
        (json!({"kty": "EC", "key_size": 0}), "key_size: "),
        (json!({"kty": "oct", "key_size": 0}), "key_size: "),
        (json!({"kty": ""}), "kty: "),
        (json!({"kty": null}), "kty: "),
        (json!({"kty": "EC", "key_ops": [null]}), "body: "),
    ] {
        let message = dev.post("/keys/wrong/create", body.clone()).await.error(400, "BadParameter");
        assert!(message.starts_with(begins), "{body}: {message}");
    }
    dev.get("/keys/wrong").await.error(404, "KeyNotFound");

    let nothing = json!({
        "kty": "EC", "key_size": null, "public_exponent": null, "crv": null, "key_ops": null, "key": null,
        "attributes": {"enabled": null, "nbf": null, "exp": null, "exportable": null, "external_key": null},
        "tags": {"kept": "", "absent": null}, "release_policy": null,
    });
    let made = dev.create("k", nothing.clone()).await;
    assert_eq!((&made["key"]["crv"], &made["tags"]), (&json!("P-256"), &json!({"kept": ""})));
    dev.create("k", json!({"kty": "EC", "attributes": null, "tags": null})).await;
    let mut oct = json!({"kty": "oct", "k": base64url(&[3; 32])});
    for member in ["crv", "n", "e", "d", "p", "q", "dp", "dq", "qi", "x", "y", "key_ops", "key_hsm"] {
        oct[member] = Value::Null;
    }
    let import = json!({"key": oct, "Hsm": null, "attributes": null, "tags": null, "release_policy": null});
    dev.put("/keys/oct", import).await.json(200);
    dev.patch("/keys/k", nothing).await.json(200);
    dev.put("/keys/k/rotationpolicy", json!({"lifetimeActions": null, "attributes": null})).await.json(200);
    let rotate = json!({"type": "rotate"});
    let trigger = json!({"timeAfterCreate": "P90D", "timeBeforeExpiry": null});
    let policy = json!({"lifetimeActions": [{"action": rotate, "trigger": trigger}], "attributes": {"expiryTime": null}});
    dev.put("/keys/k/rotationpolicy", policy).await.json(200);
    let body = json!({"alg": "A256CBCPAD", "value": "AA", "iv": base64url(&[1; 16]), "aad": null, "tag": null, "digest": null});
    dev.post("/keys/oct/encrypt", body).await.json(200);
    dev.post("/rng", json!({"count": null})).await.error(400, "BadParameter");

    let administrator = Rest::authenticated(&server, "administrator").await;
    let role = format!("/providers/Microsoft.Authorization/roleDefinitions/{}", guid(1));
    for body in [
        json!({"properties": null}),
        json!({"properties": {"roleName": null, "description": null, "permissions": null, "assignableScopes": null}}),
        json!({"properties": {"permissions": [
            {"actions": null, "notActions": null, "dataActions": null, "notDataActions": null}]}}),
    ] {
        administrator.put(&role, body).await.json(201);
    }
    let setting = json!({"value": null});
    administrator
        .patch("/settings/AllowKeyManagementOperationsThroughARM", setting)
        .await
        .error(400, "Nocontentprovided");
}

#[tokio::test]
async fn accepts_base64_and_base64url_and_names_invalid_members() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    let secret = [0xfb; 32];
    let key = json!({"kty": "oct-HSM", "k": base64url(&secret)});
    dev.put("/keys/oct", json!({"key": key})).await.json(200);
    let digest = [0xfb, 0xef, 0xff, 0x3e].repeat(8);
    let (of_urls, of_mime) = (base64url(&digest), STANDARD.encode(&digest));
    assert!(of_mime.contains('+') && of_mime.contains('/') && of_mime.ends_with('='));
    let mut macs = Vec::new();
    // The last letter holds four bits of the digest; its two spare bits are ignored.
    let spare = format!("{}{}", &of_urls[..42], char::from(of_urls.as_bytes()[42] + 1));
    for value in [&of_urls, &of_mime, &format!("{of_urls}="), &of_mime.replace('=', ""), &spare] {
        let signed = dev.post("/keys/oct/sign", json!({"alg": "HS256", "value": value})).await.json(200);
        macs.push(decoded(&signed["value"]));
    }
    assert!(macs.iter().all(|mac| *mac == macs[0]), "{macs:?}");

    let mixed = of_urls.replacen('-', "+", 1);
    assert!(mixed.contains('+') && mixed.contains('_'), "{mixed}");
    let right = base64url(&[7; 16]);
    for (path, member, body) in [
        ("sign", "value", json!({"alg": "HS256"})),
        ("verify", "value", json!({"alg": "HS256", "digest": of_urls})),
        ("verify", "digest", json!({"alg": "HS256", "value": of_urls})),
        ("encrypt", "value", json!({"alg": "A256CBC", "iv": right})),
        ("encrypt", "iv", json!({"alg": "A256CBC", "value": right})),
        ("encrypt", "aad", json!({"alg": "A256GCM", "value": right})),
        ("decrypt", "tag", json!({"alg": "A256GCM", "value": right, "iv": right})),
        ("wrapkey", "value", json!({"alg": "A256KW"})),
        ("unwrapkey", "value", json!({"alg": "A256KW"})),
    ] {
        for wrong in [
            json!(mixed),
            json!("A"),
            json!("not base64"),
            json!(7),
            json!([1]),
            json!({"a": 1}),
            json!(true),
        ] {
            let mut body = body.clone();
            body[member] = wrong.clone();
            let message = dev.post(&format!("/keys/oct/{path}"), body).await.error(400, "BadParameter");
            assert_eq!(message, format!("{member}: this is not base64url"), "{path} {wrong}");
        }
    }
    for member in ["n", "e", "d", "p", "q", "dp", "dq", "qi", "x", "y", "k"] {
        let mut jwk = json!({"kty": "RSA"});
        jwk[member] = json!("a secret that is not disclosed");
        let message = dev.put("/keys/wrong", json!({"key": jwk})).await.error(400, "BadParameter");
        assert_eq!(message, format!("key.{member}: this is not base64url"));
    }
    dev.get("/keys/wrong").await.error(404, "KeyNotFound");
}

#[tokio::test]
async fn imports_short_ec_integers_and_accepts_the_year_9999() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    for (curve, name) in [("P-521", "P-521"), ("P-256K", "SECP256K1"), ("P-256K", "secp256k1")] {
        let whole = EcKey::new(curve, 5).material();
        let short = |number: &[u8]| base64url(strongroom::public_key::strip_leading_zeros(number));
        let (x, y, d) = (short(&whole.x), short(&whole.y), short(&whole.d));
        assert!(d.len() < base64url(&whole.d).len());
        let key = json!({"kty": "EC", "crv": name, "x": x, "y": y, "d": d});
        let taken = dev.put("/keys/curve", json!({"key": key})).await.json(200);
        assert_eq!(taken["key"]["crv"], curve);
        assert_eq!((decoded(&taken["key"]["x"]), decoded(&taken["key"]["y"])), (whole.x, whole.y));
    }
    let key = json!({"kty": "EC", "crv": "secp256r1", "x": "AQ", "y": "AQ", "d": "AQ"});
    let message = dev.put("/keys/curve", json!({"key": key})).await.error(400, "BadParameter");
    assert!(message.starts_with("key.crv: "), "{message}");
    assert_eq!(dev.create("koblitz", json!({"kty": "EC", "crv": "SECP256K1"})).await["key"]["crv"], "P-256K");

    let last = 253_402_300_799_i64;
    let made = dev.create("ever", json!({"kty": "EC", "attributes": {"exp": last}})).await;
    assert_eq!(made["attributes"]["exp"], last);
    let nbf = dev.patch("/keys/ever", json!({"attributes": {"nbf": last - 1}})).await.json(200);
    assert_eq!((&nbf["attributes"]["nbf"], &nbf["attributes"]["exp"]), (&json!(last - 1), &json!(last)));
    for (member, wrong) in [("exp", last + 1), ("nbf", last + 1), ("exp", i64::MAX), ("nbf", i64::MIN)] {
        let message =
            dev.patch("/keys/ever", json!({"attributes": {member: wrong}})).await.error(400, "BadParameter");
        assert!(message.starts_with(&format!("attributes.{member}: ")), "{message}");
    }
    let sign = json!({"alg": "ES256", "value": base64url(&[7; 32])});
    let message = dev.post("/keys/ever/sign", sign).await.error(403, "Forbidden");
    assert!(message.contains("9999-12-31T23:59:58Z"), "{message}");
    // The rotation before the expiry and the near-expiry event are computed from this date.
    let trigger = json!({"timeBeforeExpiry": "P30D"});
    let policy = json!({"lifetimeActions": [{"action": {"type": "rotate"}, "trigger": trigger}], "attributes": {"expiryTime": "P1Y"}});
    dev.put("/keys/ever/rotationpolicy", policy).await.json(200);
    let mut server = server;
    server.restart();
    let dev = Rest::authenticated(&server, "dev").await;
    assert_eq!(dev.get("/keys/ever").await.json(200)["attributes"], nbf["attributes"]);
}

#[tokio::test]
async fn decodes_percent_encoded_letters_in_paths() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    let made = dev.create("a-key", json!({"kty": "EC"})).await;
    let version = dev.path(&made["key"]["kid"]).rsplit('/').next().unwrap().to_owned();
    let escaped = format!("%{:02X}{}", version.as_bytes()[0], &version[1..]);
    for path in ["/%6beys/a-key", "/keys/%61%2Dkey", "/KEYS/%61-key/", &format!("/keys/a%2dkey/{escaped}")] {
        assert_eq!(dev.get(path).await.json(200)["key"], made["key"], "{path}");
    }
    assert_eq!(
        dev.post("/keys/%61%2dkey/%73ign", json!({"alg": "ES256", "value": base64url(&[7; 32])}))
            .await
            .json(200)["kid"],
        made["key"]["kid"]
    );
    // Other characters remain part of the name, which makes it invalid.
    for path in ["/keys/a%20key", "/keys/a%2Fkey", "/keys/a%252Dkey", "/keys/%c3%a4"] {
        dev.get(path).await.error(400, "BadParameter");
    }
}

#[tokio::test]
async fn notify_actions_are_rejected_before_other_errors() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    dev.create("k", json!({"kty": "EC"})).await;
    let action = |kind: &str, trigger: Value| json!({"action": {"type": kind}, "trigger": trigger});
    let before = json!({"timeBeforeExpiry": "P30D"});
    for policy in [
        json!({"lifetimeActions": [action("Notify", before.clone())]}),
        json!({"lifetimeActions": [action("Rotate", json!({"timeAfterCreate": "P90D"})), action("notify", before.clone())]}),
        json!({"lifetimeActions": [action("NOTIFY", json!({"timeAfterCreate": "90"}))], "attributes": {"expiryTime": "P1D"}}),
        json!({"lifetimeActions": [action("Notify", Value::Null), action("fly", before.clone()), action("", before)]}),
    ] {
        let message = dev.put("/keys/k/rotationpolicy", policy.clone()).await.error(400, "BadParameter");
        let wanted = "lifetimeActions.action.type: Managed HSM does not notify; the only action is rotate";
        assert_eq!(message, wanted, "{policy}");
    }
}

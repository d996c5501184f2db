//! Tests `strongroom key`: create, show, update, delete, recover, purge, rotate.

use super::{Cli, members};

/// The members of a key in JSON output, which scripts rely on.
const KEY: [&str; 15] = [
    "aes_mode_family",
    "created",
    "enabled",
    "expires",
    "exportable",
    "key",
    "key_ops",
    "key_size",
    "kty",
    "name",
    "not_before",
    "recoverable_days",
    "recovery_level",
    "tags",
    "updated",
];

#[test]
fn keys_are_created_and_shown_as_text_and_json() {
    let cli = Cli::new();
    let text = cli.ok("key create invoices --kty EC-HSM --curve P-256");
    assert!(text.starts_with("name        hsms/local/keys/invoices/versions/"), "{text}");
    assert!(text.contains("\ntype        EC-HSM P-256\n"), "{text}");
    cli.ok(
        "key create archive --kty RSA-HSM --size 3072 --ops sign,verify --tag team=billing --expires 2027-01-01",
    );

    let archive = cli.json("key show archive");
    assert_eq!(members(&archive), KEY);
    assert_eq!(members(&archive["key"]), ["e", "n"]);
    assert_eq!(archive["kty"], "RSA-HSM");
    assert_eq!(archive["key_size"], 3072);
    assert_eq!(archive["key_ops"], serde_json::json!(["sign", "verify"]));
    assert_eq!(archive["tags"], serde_json::json!({"team": "billing"}));
    assert_eq!((&archive["expires"], &archive["not_before"]), (&"2027-01-01T00:00:00Z".into(), &().into()));
    assert_eq!(archive["recovery_level"], "Recoverable+Purgeable");
    assert_eq!(archive["recoverable_days"], 90);
    let curve = cli.json("key show invoices");
    assert_eq!((members(&curve), members(&curve["key"])), (KEY.to_vec(), vec!["crv", "x", "y"]));

    let made = cli.json(
        "key create small --kty oct --size 128 --disabled --not-before 2026-01-01T12:00:00+01:00 --ops wrapKey,unwrapKey",
    );
    assert_eq!((&made["enabled"], &made["key"], &made["key_size"]), (&false.into(), &().into(), &128.into()));
    assert_eq!(made["not_before"], "2026-01-01T11:00:00Z");

    let list = cli.ok("key list");
    let lines: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["NAME", "TYPE", "OPERATIONS", "ENABLED", "EXPIRES", "TAGS"]);
    assert_eq!(lines[1][..5], ["archive", "RSA-HSM", "3072", "sign,verify", "yes"]);
    assert_eq!([lines[2][0], lines[3][0], lines[3][4]], ["invoices", "small", "no"]);
    assert_eq!(cli.json("key list").as_array().unwrap().len(), 3);

    // Explicit zeros are not replaced by defaults, and empty lists mean none.
    for (line, message) in [
        ("key create wrong --kty RSA --size 0", "key_size"),
        ("key create wrong --kty oct --size 0", "key_size"),
        ("key create wrong --kty RSA --public-exponent 0", "public_exponent"),
    ] {
        let error = cli.fails(line);
        assert!(error.contains(message), "{line}\n{error}");
    }
    for line in
        ["key create wrong --kty EC --ops sign --no-ops", "key create wrong --kty EC --expires 10000-01-01"]
    {
        assert_eq!(cli.run(line).code, 2, "{line}");
    }
    let none = serde_json::json!([]);
    let made = cli.json("key create none --kty EC --curve SECP256K1 --no-ops --expires 9999-12-31");
    assert_eq!((&made["key_ops"], &made["key"]["crv"]), (&none, &"P-256K".into()));
    assert_eq!(made["expires"], "9999-12-31T00:00:00Z");
    let updated = cli
        .json("key update none --ops sign --not-before 9999-12-30T23:00:00Z --expires 9999-12-31T23:59:59Z");
    assert_eq!(
        (&updated["not_before"], &updated["expires"]),
        (&"9999-12-30T23:00:00Z".into(), &"9999-12-31T23:59:59Z".into())
    );
    assert!(cli.ok("key show none").contains("\nexpires     9999-12-31 23:59:59Z\n"));
    assert_eq!(cli.json("key update none --no-ops")["key_ops"], none);
    cli.ok("key delete none");

    // Each of two versions can be shown by its name.
    let second = cli.json("key create invoices --kty EC --curve P-521");
    let versions = cli.json("key versions invoices");
    assert_eq!([&versions[0], &versions[1]], [&curve, &second]);
    let version = curve["name"].as_str().unwrap().rsplit('/').next().unwrap();
    for line in [
        format!("key show invoices --version {version}"),
        format!("key show {}", curve["name"].as_str().unwrap()),
        format!("--hsm other key show {}", curve["name"].as_str().unwrap()),
    ] {
        assert_eq!(cli.json(&line), curve, "{line}");
    }
    assert!(cli.ok("key versions invoices").contains(version));
}

#[test]
fn keys_are_updated() {
    let cli = Cli::new();
    cli.ok("key create invoices --kty EC-HSM --tag a=1");
    let changed = cli.json("key update invoices --enabled false --tag b=2 --tag c=a=b --expires 2030-06-01");
    assert_eq!(changed["enabled"], false);
    assert_eq!(changed["tags"], serde_json::json!({"b": "2", "c": "a=b"}));
    assert_eq!(changed["expires"], "2030-06-01T00:00:00Z");
    let changed = cli.json("key update invoices --clear-expires --clear-tags --ops verify");
    assert_eq!((&changed["expires"], &changed["enabled"]), (&().into(), &false.into()));
    assert_eq!(
        (&changed["tags"], &changed["key_ops"]),
        (&serde_json::json!({}), &serde_json::json!(["verify"]))
    );

    let error = cli.fails("key update invoices --not-before 2031-01-01 --expires 2030-01-01");
    assert!(error.contains("reason: BAD_PARAMETER (field attributes.expires)"), "{error}");
    assert_eq!(cli.run("key update invoices").code, 2);
    assert_eq!(cli.run("key update invoices --clear-tags --tag a=b").code, 2);
}

#[test]
fn keys_are_deleted_recovered_and_purged() {
    let cli = Cli::new();
    let made = cli.json("key create invoices --kty EC-HSM");
    let deleted = cli.json("--as crypto-user key delete invoices");
    assert_eq!(members(&deleted), ["deleted_at", "key", "name", "scheduled_purge_at"]);
    assert_eq!((&deleted["name"], &deleted["key"]), (&"hsms/local/deletedKeys/invoices".into(), &made));
    assert_eq!(cli.json("key show-deleted invoices"), deleted);
    assert_eq!(cli.json("key list-deleted"), serde_json::json!([deleted]));
    assert!(cli.ok("key list-deleted").starts_with("NAME      TYPE          DELETED "));

    for (line, message) in [
        ("key show invoices", "reason: KEY_NOT_FOUND (resource hsms/local/keys/invoices)"),
        ("key create invoices --kty EC-HSM", "it can only be recovered or purged"),
        ("--as crypto-user key recover invoices", "keys/deletedKeys/recover/action at /keys/invoices"),
        ("--as crypto-user key purge invoices", "keys/deletedKeys/delete at /keys/invoices"),
    ] {
        let error = cli.fails(line);
        assert!(error.contains(message), "{line}\n{error}");
    }
    assert_eq!(cli.json("--as crypto-officer key recover hsms/local/deletedKeys/invoices"), made);
    cli.ok("key delete hsms/local/keys/invoices");
    assert_eq!(cli.ok("--as crypto-officer key purge invoices"), "purged hsms/local/deletedKeys/invoices\n");
    let error = cli.fails("key recover invoices");
    assert!(error.contains("reason: DELETED_KEY_NOT_FOUND"), "{error}");
}

#[test]
fn empty_lists_and_errors_go_to_stderr() {
    let cli = Cli::new();
    for (line, message) in [
        ("key list", "hsms/local has no keys\n"),
        ("key list-deleted", "hsms/local has no deleted keys\n"),
        ("key versions invoices", "hsms/local/keys/invoices has no versions\n"),
    ] {
        let answer = cli.run(line);
        assert_eq!((answer.code, answer.out.as_str(), answer.err.as_str()), (0, "", message));
        assert_eq!(cli.json(line), serde_json::json!([]));
    }
    for (line, message) in [
        ("key show nothing", "error: key not found: hsms/local/keys/nothing\n"),
        ("key create k --kty RSA --size 1024", "the key size is one of [2048, 3072, 4096] bits\n"),
        ("key create k --kty EC --ops encrypt", "encrypt does not fit a key of type EC on P-256\n"),
        ("--hsm other key list", "error: managed HSM not found: hsms/other\n"),
        ("--as nobody key list", "keys/read/action at /keys"),
    ] {
        let error = cli.fails(line);
        assert!(error.contains(message), "{line}\n{error}");
    }
    // The server knows the RPC and reports why it is not available, so there is no hint about the server's version.
    let error = cli.fails("key create k --kty RSA --ops export");
    assert!(error.contains("reason: NOT_AVAILABLE") && !error.contains("hint:"), "{error}");
}

#[test]
fn keys_are_rotated_by_policy() {
    let cli = Cli::new();
    let made = cli.json("key create invoices --kty EC-HSM --curve P-384 --tag a=1");
    let error = cli.fails("key rotate invoices");
    assert!(error.contains("reason: ROTATION_POLICY_MISSING (key invoices)"), "{error}");
    let blank = cli.json("key rotation-policy show invoices");
    assert_eq!(members(&blank), ["created", "expiry_time", "lifetime_actions", "name", "updated"]);
    assert_eq!(blank["lifetime_actions"], serde_json::json!([]));

    let policy = cli.json("key rotation-policy set invoices --rotate-after P75D --expiry P90D");
    let action = serde_json::json!({
        "action": "rotate", "time_after_create": "P75D", "time_before_expiry": null
    });
    assert_eq!(policy["lifetime_actions"], serde_json::json!([action]));
    assert_eq!(policy["expiry_time"], "P90D");
    assert_eq!(cli.json("key rotation-policy show hsms/local/keys/invoices"), policy);
    let new = cli.json("key rotate invoices");
    assert_eq!((&new["tags"], &new["key"]["crv"]), (&made["tags"], &"P-384".into()));
    assert_eq!(cli.json("key versions invoices"), serde_json::json!([made, new]));

    let advanced = cli.json("clock advance 76d");
    let happened = advanced["happened"].as_array().unwrap();
    assert_eq!(members(&happened[0]), ["at", "near_expiry"]);
    assert_eq!(happened[0]["near_expiry"], new["name"]);
    assert_eq!(happened[1]["rotated_key"], cli.json("key show invoices")["name"]);
    let text = cli.ok("clock advance 76d");
    assert!(text.contains("Z  expires soon: hsms/local/keys/invoices/versions/"), "{text}");
    assert!(text.contains("Z  rotated to hsms/local/keys/invoices/versions/"), "{text}");

    let text = cli.ok("key rotation-policy set invoices --rotate-before-expiry P30D --expiry P1Y");
    assert!(text.contains("\nrotates  P30D before expiry\nexpiry   P1Y\n"), "{text}");
    for (line, message) in [
        (
            "key rotation-policy set invoices --rotate-after P27D",
            "(field lifetime_actions.time_after_create)",
        ),
        ("--as crypto-officer key rotate invoices", "keys/rotate/action at /keys/invoices"),
        ("key rotation-policy show nothing", "reason: KEY_NOT_FOUND"),
    ] {
        let error = cli.fails(line);
        assert!(error.contains(message), "{line}\n{error}");
    }
    assert_eq!(cli.run("key rotation-policy set invoices --rotate-after 90d").code, 2);
    assert_eq!(cli.run("key rotation-policy set invoices").code, 2);
    assert!(cli.ok("key rotation-policy set invoices --clear").contains("rotates  never automatically\n"));
}

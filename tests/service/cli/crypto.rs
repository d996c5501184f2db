//! `strongroom key sign`, `verify`, `encrypt`, `decrypt`, `wrap`, `unwrap`, judged by other implementations.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use rsa::pkcs8::EncodePublicKey as _;

use super::{Desk, base64url};

#[test]
fn files_are_signed_and_verified() {
    let desk = Desk::new();
    desk.write("invoice.pdf", "100.00 EUR");
    desk.write("forged.pdf", "900.00 EUR");
    desk.ok("key create invoices --kty EC-HSM --curve P-256");
    let signed = desk.ok("--output json key sign invoices --alg ES256 --file invoice.pdf");
    desk.write("signature.json", &signed);
    let value: serde_json::Value = serde_json::from_str(&signed).unwrap();
    assert_eq!((base64url(&value["signature"]).len(), &value["algorithm"]), (64, &"ES256".into()));

    // A new version is current now; the file says which one signed.
    desk.ok("key create invoices --kty EC-HSM --curve P-256");
    let verify = "key verify invoices --alg ES256";
    assert_eq!(desk.ok(&format!("{verify} --file invoice.pdf --signature signature.json")), "valid\n");
    let wrong = desk.run(&format!("{verify} --file forged.pdf --signature signature.json"));
    assert_eq!((wrong.code, wrong.out.as_str(), wrong.err.as_str()), (1, "invalid\n", ""));
    let wrong = desk.run(&format!("--output json {verify} --file forged.pdf --signature signature.json"));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&wrong.out).unwrap()["valid"], false);
    let other = desk
        .run(&format!("{verify} --file invoice.pdf --signature {}", value["signature"].as_str().unwrap()));
    assert_eq!(other.out, "invalid\n", "the current version has signed nothing");
    // One in 64 begins like an option.
    let dashed = format!("-{}", "A".repeat(85));
    let other = desk.run(&format!("{verify} --file invoice.pdf --signature {dashed}"));
    assert_eq!((other.code, other.out.as_str()), (1, "invalid\n"), "{}", other.err);

    let error = desk.fails("--as crypto-officer key sign invoices --alg ES256 --file invoice.pdf");
    let missing = "(action Microsoft.KeyVault/managedHsm/keys/sign/action at /keys/invoices, principal ";
    assert!(error.contains(missing), "{error}");
    for (line, told) in [
        (
            "key sign invoices --alg RS256 --file invoice.pdf",
            "RS256 cannot be used with a key of type EC-HSM",
        ),
        ("key sign nothing --alg ES256 --file invoice.pdf", "key not found: hsms/local/keys/nothing"),
        ("key verify invoices --alg ES384 --file invoice.pdf --signature signature.json", "made with ES256"),
    ] {
        let error = desk.fails(line);
        assert!(error.contains(told), "{line}\n{error}");
    }
}

#[test]
fn openssl_verifies_signatures_and_stdin_is_accepted() {
    let desk = Desk::new();
    desk.write("document", "from a file");
    let key = desk.json("key create archive --kty RSA-HSM --size 2048");
    let number = |name: &str| rsa::BigUint::from_bytes_be(&base64url(&key["key"][name]));
    let public = rsa::RsaPublicKey::new(number("n"), number("e")).unwrap();
    desk.write("public.pem", public.to_public_key_pem(rsa::pkcs8::LineEnding::LF).unwrap());

    assert_eq!(desk.ok("key sign archive --alg RS256 --file document --signature-out raw"), "");
    let check = "dgst -sha256 -verify public.pem -signature raw document";
    assert_eq!(desk.openssl(check), b"Verified OK\n");
    // The digest that another program made, raw and as text.
    desk.write("digest", desk.openssl("dgst -sha512 -binary document"));
    desk.ok("key sign archive --alg PS512 --digest @digest --signature-out raw");
    let padding = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest";
    let check = format!("dgst -sha512 {padding} -verify public.pem -signature raw document");
    assert_eq!(desk.openssl(&check), b"Verified OK\n");

    let signed = desk.pipe("key sign archive --alg RS256 --file -", b"from a pipe");
    assert_eq!(signed.code, 0, "{signed:?}");
    let line = format!("key verify archive --alg RS256 --file - --signature {}", signed.out.trim());
    assert_eq!(desk.pipe(&line, b"from a pipe").out, "valid\n");
    assert_eq!(desk.pipe(&line, b"from a drain").out, "invalid\n");
    desk.write("text", &signed.out);
    let line = "key verify archive --alg RS256 --file - --signature text";
    assert_eq!(desk.pipe(line, b"from a pipe").out, "valid\n");
}

#[test]
fn files_are_encrypted_and_decrypted() {
    let desk = Desk::new();
    let secret = [7; 32];
    desk.write("aes", secret);
    desk.write("plain", "Invoice 17: 100.00 EUR\n");
    desk.ok("key import data --raw aes");

    // AES-GCM: sealed by the service, opened by another implementation and by the service.
    let sealed = desk.ok("--output json key encrypt data --alg A256GCM --file plain --aad AQID");
    desk.write("sealed.json", &sealed);
    let value: serde_json::Value = serde_json::from_str(&sealed).unwrap();
    let text = [base64url(&value["ciphertext"]), base64url(&value["authentication_tag"])].concat();
    let nonce: [u8; 12] = base64url(&value["iv"]).try_into().unwrap();
    let payload = Payload { msg: &text, aad: &[1, 2, 3] };
    let opened = aes_gcm::Aes256Gcm::new(&secret.into()).decrypt(&nonce.into(), payload).unwrap();
    assert_eq!(opened, desk.read("plain"));
    assert_eq!(desk.ok("key decrypt data --alg A256GCM --file sealed.json --out opened"), "");
    assert_eq!(desk.read("opened"), desk.read("plain"));
    assert_eq!(desk.ok("key decrypt data --alg A256GCM --file sealed.json --out -").as_bytes(), opened);
    let error = desk.fails("key decrypt data --alg A256GCM --file sealed.json --aad AQIE");
    assert!(error.contains("reason: DECRYPTION_FAILED"), "{error}");
    let error = desk.fails("key encrypt data --alg A256GCM --file plain --iv AAAAAAAAAAAAAAAA");
    assert!(error.contains("(field iv)"), "{error}");

    // AES-CBC: opened by OpenSSL, and sealed by it.
    let iv = "00000000000000000000000000000007";
    let line = "key encrypt data --alg A256CBCPAD --iv AAAAAAAAAAAAAAAAAAAABw --file plain --out sealed.bin";
    assert!(desk.ok(line).contains("iv         AAAAAAAAAAAAAAAAAAAABw\n"));
    let key = "07".repeat(32);
    assert_eq!(desk.openssl(&format!("enc -d -aes-256-cbc -K {key} -iv {iv} -in sealed.bin")), opened);
    desk.openssl(&format!("enc -aes-256-cbc -K {key} -iv {iv} -in plain -out theirs"));
    let line = "key decrypt data --alg A256CBCPAD --iv AAAAAAAAAAAAAAAAAAAABw --file theirs --out -";
    assert_eq!(desk.ok(line).as_bytes(), opened);
    let error = desk.fails("key encrypt data --alg A256CBC --file plain");
    assert!(error.contains("an IV of 16 bytes is needed"), "{error}");

    // What is decrypted is the user's alone.
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(desk.place.path().join("opened")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn keys_are_wrapped_and_unwrapped_through_files() {
    let desk = Desk::new();
    desk.write("aes", [7; 32]);
    desk.write("secret", [9; 16]);
    desk.ok("key import data --raw aes");
    let wrapped = desk.ok("--output json key wrap data --alg A256KW --file secret");
    desk.write("wrapped.json", &wrapped);
    let value: serde_json::Value = serde_json::from_str(&wrapped).unwrap();
    desk.write("wrapped.bin", base64url(&value["wrapped_key"]));
    let theirs =
        format!("enc -d -id-aes256-wrap -K {} -iv A6A6A6A6A6A6A6A6 -in wrapped.bin", "07".repeat(32));
    assert_eq!(desk.openssl(&theirs), [9; 16]);
    for file in ["wrapped.json", "wrapped.bin"] {
        desk.ok(&format!("key unwrap data --alg A256KW --file {file} --out unwrapped"));
        assert_eq!(desk.read("unwrapped"), [9; 16], "{file}");
    }
    let text = desk.ok("key wrap data --alg A256KW --value CQkJCQkJCQkJCQkJCQkJCQ");
    assert_eq!(text, format!("{}\n", value["wrapped_key"].as_str().unwrap()));

    // RSA: wrapped by OpenSSL with the public half.
    desk.openssl("genrsa -out rsa.pem 2048");
    desk.ok("key import transport --pem rsa.pem");
    desk.openssl("pkeyutl -encrypt -inkey rsa.pem -in secret -out theirs -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256");
    desk.ok("key unwrap transport --alg RSA-OAEP-256 --file theirs --out unwrapped");
    assert_eq!(desk.read("unwrapped"), [9; 16]);
    let error = desk.fails("key unwrap transport --alg RSA-OAEP --file theirs");
    assert!(error.contains("reason: DECRYPTION_FAILED"), "{error}");
}

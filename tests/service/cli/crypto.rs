//! Tests `strongroom key sign`, `verify`, `encrypt`, `decrypt`, `wrap` and `unwrap` against other implementations.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use rsa::pkcs8::EncodePublicKey as _;

use super::{Cli, base64url};

#[test]
fn files_are_signed_and_verified() {
    let cli = Cli::new();
    cli.write("invoice.pdf", "100.00 EUR");
    cli.write("forged.pdf", "900.00 EUR");
    cli.ok("key create invoices --kty EC-HSM --curve P-256");
    let signed = cli.ok("--output json key sign invoices --alg ES256 --file invoice.pdf");
    cli.write("signature.json", &signed);
    let value: serde_json::Value = serde_json::from_str(&signed).unwrap();
    assert_eq!((base64url(&value["signature"]).len(), &value["algorithm"]), (64, &"ES256".into()));

    // There is a new current version; the signature file names the version that signed.
    cli.ok("key create invoices --kty EC-HSM --curve P-256");
    let verify = "key verify invoices --alg ES256";
    assert_eq!(cli.ok(&format!("{verify} --file invoice.pdf --signature signature.json")), "valid\n");
    let wrong = cli.run(&format!("{verify} --file forged.pdf --signature signature.json"));
    assert_eq!((wrong.code, wrong.out.as_str(), wrong.err.as_str()), (1, "invalid\n", ""));
    let wrong = cli.run(&format!("--output json {verify} --file forged.pdf --signature signature.json"));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&wrong.out).unwrap()["valid"], false);
    let other =
        cli.run(&format!("{verify} --file invoice.pdf --signature {}", value["signature"].as_str().unwrap()));
    assert_eq!(other.out, "invalid\n", "the current version has signed nothing");
    // One signature in 64 starts with a dash, like an option.
    let dashed = format!("-{}", "A".repeat(85));
    let other = cli.run(&format!("{verify} --file invoice.pdf --signature {dashed}"));
    assert_eq!((other.code, other.out.as_str()), (1, "invalid\n"), "{}", other.err);

    let error = cli.fails("--as crypto-officer key sign invoices --alg ES256 --file invoice.pdf");
    let missing = "(action Microsoft.KeyVault/managedHsm/keys/sign/action at /keys/invoices, principal ";
    assert!(error.contains(missing), "{error}");
    for (line, message) in [
        (
            "key sign invoices --alg RS256 --file invoice.pdf",
            "RS256 cannot be used with a key of type EC on P-256",
        ),
        ("key sign nothing --alg ES256 --file invoice.pdf", "key not found: hsms/local/keys/nothing"),
        ("key verify invoices --alg ES384 --file invoice.pdf --signature signature.json", "made with ES256"),
    ] {
        let error = cli.fails(line);
        assert!(error.contains(message), "{line}\n{error}");
    }
}

#[test]
fn openssl_verifies_signatures_and_stdin_is_accepted() {
    let cli = Cli::new();
    cli.write("document", "from a file");
    let key = cli.json("key create archive --kty RSA-HSM --size 2048");
    let number = |name: &str| rsa::BigUint::from_bytes_be(&base64url(&key["key"][name]));
    let public = rsa::RsaPublicKey::new(number("n"), number("e")).unwrap();
    cli.write("public.pem", public.to_public_key_pem(rsa::pkcs8::LineEnding::LF).unwrap());

    assert_eq!(cli.ok("key sign archive --alg RS256 --file document --signature-out raw"), "");
    let check = "dgst -sha256 -verify public.pem -signature raw document";
    assert_eq!(cli.openssl(check), b"Verified OK\n");
    // A digest that another program computed.
    cli.write("digest", cli.openssl("dgst -sha512 -binary document"));
    cli.ok("key sign archive --alg PS512 --digest @digest --signature-out raw");
    let padding = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest";
    let check = format!("dgst -sha512 {padding} -verify public.pem -signature raw document");
    assert_eq!(cli.openssl(&check), b"Verified OK\n");

    let signed = cli.pipe("key sign archive --alg RS256 --file -", b"from a pipe");
    assert_eq!(signed.code, 0, "{signed:?}");
    let line = format!("key verify archive --alg RS256 --file - --signature {}", signed.out.trim());
    assert_eq!(cli.pipe(&line, b"from a pipe").out, "valid\n");
    assert_eq!(cli.pipe(&line, b"from a drain").out, "invalid\n");
    cli.write("text", &signed.out);
    let line = "key verify archive --alg RS256 --file - --signature text";
    assert_eq!(cli.pipe(line, b"from a pipe").out, "valid\n");
}

#[test]
fn files_are_encrypted_and_decrypted() {
    let cli = Cli::new();
    let secret = [7; 32];
    cli.write("aes", secret);
    cli.write("plain", "Invoice 17: 100.00 EUR\n");
    cli.ok("key import data --raw aes");

    // AES-GCM: encrypted by the service, decrypted by another implementation and by the service.
    let sealed = cli.ok("--output json key encrypt data --alg A256GCM --file plain --aad AQID");
    cli.write("sealed.json", &sealed);
    let value: serde_json::Value = serde_json::from_str(&sealed).unwrap();
    let text = [base64url(&value["ciphertext"]), base64url(&value["authentication_tag"])].concat();
    let nonce: [u8; 12] = base64url(&value["iv"]).try_into().unwrap();
    let payload = Payload { msg: &text, aad: &[1, 2, 3] };
    let opened = aes_gcm::Aes256Gcm::new(&secret.into()).decrypt(&nonce.into(), payload).unwrap();
    assert_eq!(opened, cli.read("plain"));
    assert_eq!(cli.ok("key decrypt data --alg A256GCM --file sealed.json --out opened"), "");
    assert_eq!(cli.read("opened"), cli.read("plain"));
    assert_eq!(cli.ok("key decrypt data --alg A256GCM --file sealed.json --out -").as_bytes(), opened);
    let error = cli.fails("key decrypt data --alg A256GCM --file sealed.json --aad AQIE");
    assert!(error.contains("reason: DECRYPTION_FAILED"), "{error}");
    let error = cli.fails("key encrypt data --alg A256GCM --file plain --iv AAAAAAAAAAAAAAAA");
    assert!(error.contains("(field iv)"), "{error}");

    // AES-CBC: decrypted and encrypted by OpenSSL.
    let iv = "00000000000000000000000000000007";
    let line = "key encrypt data --alg A256CBCPAD --iv AAAAAAAAAAAAAAAAAAAABw --file plain --out sealed.bin";
    assert!(cli.ok(line).contains("iv         AAAAAAAAAAAAAAAAAAAABw\n"));
    let key = "07".repeat(32);
    assert_eq!(cli.openssl(&format!("enc -d -aes-256-cbc -K {key} -iv {iv} -in sealed.bin")), opened);
    cli.openssl(&format!("enc -aes-256-cbc -K {key} -iv {iv} -in plain -out theirs"));
    let line = "key decrypt data --alg A256CBCPAD --iv AAAAAAAAAAAAAAAAAAAABw --file theirs --out -";
    assert_eq!(cli.ok(line).as_bytes(), opened);
    let error = cli.fails("key encrypt data --alg A256CBC --file plain");
    assert!(error.contains("an IV of 16 bytes is needed"), "{error}");

    // Only the user can read the decrypted file.
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(cli.directory.path().join("opened")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn keys_are_wrapped_and_unwrapped_through_files() {
    let cli = Cli::new();
    cli.write("aes", [7; 32]);
    cli.write("secret", [9; 16]);
    cli.ok("key import data --raw aes");
    let wrapped = cli.ok("--output json key wrap data --alg A256KW --file secret");
    cli.write("wrapped.json", &wrapped);
    let value: serde_json::Value = serde_json::from_str(&wrapped).unwrap();
    cli.write("wrapped.bin", base64url(&value["wrapped_key"]));
    let theirs =
        format!("enc -d -id-aes256-wrap -K {} -iv A6A6A6A6A6A6A6A6 -in wrapped.bin", "07".repeat(32));
    assert_eq!(cli.openssl(&theirs), [9; 16]);
    for file in ["wrapped.json", "wrapped.bin"] {
        cli.ok(&format!("key unwrap data --alg A256KW --file {file} --out unwrapped"));
        assert_eq!(cli.read("unwrapped"), [9; 16], "{file}");
    }
    let text = cli.ok("key wrap data --alg A256KW --value CQkJCQkJCQkJCQkJCQkJCQ");
    assert_eq!(text, format!("{}\n", value["wrapped_key"].as_str().unwrap()));

    // RSA: wrapped by OpenSSL with the public key.
    cli.openssl("genrsa -out rsa.pem 2048");
    cli.ok("key import transport --pem rsa.pem");
    cli.openssl("pkeyutl -encrypt -inkey rsa.pem -in secret -out theirs -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256");
    cli.ok("key unwrap transport --alg RSA-OAEP-256 --file theirs --out unwrapped");
    assert_eq!(cli.read("unwrapped"), [9; 16]);
    let error = cli.fails("key unwrap transport --alg RSA-OAEP --file theirs");
    assert!(error.contains("reason: DECRYPTION_FAILED"), "{error}");
}

//! Tests `strongroom key batch`: files of many lines, and pipes between commands.

use std::fmt::Write as _;

use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Cli, base64url};
use crate::rest::client::base64url as encode;

/// Returns a line with a digest for each number.
fn digests(numbers: std::ops::Range<u32>) -> String {
    numbers.fold(String::new(), |mut text, number| {
        writeln!(text, "{}", encode(&Sha256::digest(number.to_be_bytes()))).unwrap();
        text
    })
}

#[test]
fn signs_and_verifies_more_lines_than_a_batch_has_items() {
    let cli = Cli::new();
    let key = cli.json("key create invoices --kty EC-HSM --curve P-256");
    let point = [&[4][..], &base64url(&key["key"]["x"]), &base64url(&key["key"]["y"])].concat();
    let public = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).unwrap();
    let count = 2_500;
    let lines = digests(0..count);
    cli.write("digests", &lines);
    let signed = cli.ok("key batch sign invoices --alg ES256 --file digests");
    let signatures: Vec<&str> = signed.lines().collect();
    assert_eq!(signatures.len(), usize::try_from(count).unwrap());
    for (number, signature) in (0..count).zip(&signatures) {
        let digest = Sha256::digest(number.to_be_bytes());
        let signature = p256::ecdsa::Signature::from_slice(&base64url(&(*signature).into())).unwrap();
        public.verify_prehash(&digest, &signature).unwrap();
    }
    // Three batches, each with one audit entry.
    let batches = crate::batches::audited(&cli.server, "KeySignBatch", 3);
    assert_eq!(batches, [1000, 1000, 500].map(|items| (200, Some(items), Some(0))));

    // Each line has a digest and a signature.
    let pairs: String = lines
        .lines()
        .zip(&signatures)
        .fold(String::new(), |text, (digest, signature)| text + digest + " " + signature + "\n");
    let verified = cli.pipe("key batch verify invoices --alg ES256 --file -", pairs.as_bytes());
    assert_eq!((verified.code, verified.err.as_str()), (0, ""));
    assert_eq!(verified.out, "valid\n".repeat(signatures.len()));
    let swapped = format!("{} {}\n{}", digests(1..2).trim(), signatures[0], pairs.lines().next().unwrap());
    let verified = cli.pipe("key batch verify invoices --alg ES256 --file -", swapped.as_bytes());
    assert_eq!((verified.code, verified.out.as_str(), verified.err.as_str()), (1, "invalid\nvalid\n", ""));

    // As JSON, each line is what the command for one value prints.
    let one =
        cli.pipe("--output json key batch sign invoices --alg ES256 --file -", digests(7..8).as_bytes());
    let printed: Value = serde_json::from_str(&one.out).unwrap();
    assert_eq!((&printed["name"], &printed["algorithm"]), (&key["name"], &"ES256".into()));
    assert_eq!(base64url(&printed["signature"]).len(), 64);
    assert_eq!(cli.pipe("key batch sign invoices --alg ES256 --file -", b"").out, "");
}

#[test]
fn lines_that_fail_are_reported_and_leave_an_empty_line() {
    let cli = Cli::new();
    cli.ok("key create invoices --kty EC-HSM --curve P-256");
    let lines = format!(
        "{}AQID\n{{\"digest\": \"AQID\", \"algorithm\": \"ES384\"}}\n{}",
        digests(0..1),
        digests(1..2)
    );
    let signed = cli.pipe("key batch sign invoices --alg ES256 --file -", lines.as_bytes());
    let lengths: Vec<usize> = signed.out.lines().map(str::len).collect();
    assert_eq!((signed.code, lengths), (1, vec![86, 0, 0, 86]), "{signed:?}");
    for text in ["line 2: digest: ", "line 3: algorithm: ", "(BAD_PARAMETER)", "error: 2 of 4 lines failed\n"]
    {
        assert!(signed.err.contains(text), "{}", signed.err);
    }
    let signed = cli.pipe("--output json key batch sign invoices --alg ES256 --file -", lines.as_bytes());
    let printed: Vec<Value> = signed.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(printed[1]["error"]["reason"], "BAD_PARAMETER");
    assert!(printed[3]["error"].is_null() && printed[3]["signature"].is_string(), "{printed:?}");

    // A malformed line is an error of the input: nothing of its batch is sent.
    let answer = cli.pipe("key batch sign invoices --alg ES256 --file -", b"AQID\nnonsense!\n");
    assert_eq!((answer.code, answer.out.as_str()), (1, ""));
    assert!(answer.err.contains("standard input, line 2: not valid base64url"), "{}", answer.err);
    // What concerns the key is an error of the command.
    let answer = cli.pipe("key batch sign nothing --alg ES256 --file -", lines.as_bytes());
    assert!(answer.code == 1 && answer.err.contains("key not found"), "{answer:?}");
    assert!(cli.fails("key batch sign invoices --alg ES256 --file missing").contains("missing"));
}

#[test]
fn output_of_encrypt_and_wrap_is_input_of_decrypt_and_unwrap() {
    let cli = Cli::new();
    cli.ok("key create data --kty oct-HSM --size 256");
    let plain: String =
        (0..1_200).map(|number: u32| format!("{}\n", encode(&number.to_be_bytes()))).collect();
    for format in ["table", "json"] {
        for algorithm in ["A256GCM", "A256CBCPAD"] {
            let lines = match algorithm {
                "A256GCM" => plain.clone(),
                _ => plain.lines().map(|line| format!("{line} {}\n", encode(&[7; 16]))).collect(),
            };
            let options = format!("data --alg {algorithm} --file -");
            let sealed =
                cli.pipe(&format!("--output {format} key batch encrypt {options}"), lines.as_bytes());
            assert_eq!((sealed.code, sealed.err.as_str()), (0, ""));
            // A new current version: the JSON output names the version that encrypted.
            if format == "json" {
                cli.ok("key create data --kty oct-HSM --size 256");
            }
            let opened = cli.pipe(&format!("key batch decrypt {options}"), sealed.out.as_bytes());
            assert_eq!((opened.code, opened.err.as_str()), (0, ""), "{format} {algorithm}");
            assert!(opened.out == plain, "{format} {algorithm}");
        }
    }
    let sealed = cli.pipe(
        "--output json key batch encrypt data --alg A256GCM --file -",
        br#"{"plaintext": "AQID", "additional_authenticated_data": "BAUG"}"#,
    );
    assert_eq!(serde_json::from_str::<Value>(&sealed.out).unwrap()["additional_authenticated_data"], "BAUG");
    assert_eq!(
        cli.pipe("key batch decrypt data --alg A256GCM --file -", sealed.out.as_bytes()).out,
        "AQID\n"
    );

    let keys: String = (0..50).map(|number: u8| format!("{}\n", encode(&[number; 32]))).collect();
    let wrapped = cli.pipe("key batch wrap data --alg A256KW --file -", keys.as_bytes());
    assert_eq!(wrapped.out.lines().count(), 50, "{wrapped:?}");
    assert_eq!(cli.pipe("key batch unwrap data --alg A256KW --file -", wrapped.out.as_bytes()).out, keys);
}

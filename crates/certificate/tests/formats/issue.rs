//! Certificates and requests, read by OpenSSL and `x509-parser`.

use strongroom_certificate::{Certificate, Error, NewCertificate, request};
use strongroom_model::certificate::{ExtendedKeyUsage, KeyUsage, SubjectAlternativeNames, X509Properties};
use x509_parser::prelude::{FromDer as _, ParsedExtension, X509Certificate, X509CertificationRequest};

use crate::kit::{Chain, KEY_TYPES, OpenSsl, assemble, issue, properties, validity};

fn all_names() -> SubjectAlternativeNames {
    let one = |text: &str| vec![text.to_owned()];
    let addresses = ["192.0.2.1".to_owned(), "2001:db8::1".to_owned()];
    SubjectAlternativeNames::parse(
        one("*.example.com"),
        one("a@example.com"),
        one("ü@example.com"),
        one("urn:x:1"),
        &addresses,
    )
    .unwrap()
}

#[test]
fn openssl_verifies_certificates_and_requests_of_every_key_type() {
    for (name, options) in KEY_TYPES {
        let openssl = OpenSsl::new();
        let key = openssl.key("key.pem", options);
        let x509 = properties("CN=a, O=b");
        let certificate = issue(&x509, &key, None);
        assert_eq!(certificate.public_key(), Ok(&key.public_key()), "{name}");
        openssl.write("certificate.der", certificate.der());
        openssl.run(&["x509", "-in", "certificate.der", "-out", "certificate.pem"]).unwrap();
        openssl.run(&["verify", "-check_ss_sig", "-CAfile", "certificate.pem", "certificate.pem"]).unwrap();
        let public = openssl.run(&["pkey", "-in", "key.pem", "-pubout"]).unwrap();
        assert_eq!(openssl.run(&["x509", "-in", "certificate.pem", "-noout", "-pubkey"]).unwrap(), public);
        let request = request(&x509.subject().unwrap(), &x509, &key.public_key()).unwrap();
        openssl.write("request.der", assemble(&request, &key));
        let verified =
            openssl.run(&["req", "-inform", "DER", "-in", "request.der", "-verify", "-noout", "-pubkey"]);
        let verified = verified.unwrap();
        assert!(verified.contains("verify OK") && verified.contains(public.trim()), "{name}: {verified}");
    }
}

#[test]
fn openssl_verifies_chain_of_issued_certificate() {
    let openssl = OpenSsl::new();
    let chain = Chain::new(&openssl, KEY_TYPES[0].1);
    for (file, certificate) in
        [("leaf", &chain.leaf), ("intermediate", &chain.intermediate), ("root", &chain.root)]
    {
        openssl.write("der", certificate.der());
        openssl.run(&["x509", "-in", "der", "-out", file]).unwrap();
    }
    let verify = ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", "root"];
    openssl.run(&[&verify[..], &["-untrusted", "intermediate", "leaf"]].concat()).unwrap();
    assert!(openssl.run(&[&verify[..], &["leaf"]].concat()).is_err());
    assert!(chain.leaf.names_issuer(&chain.intermediate) && !chain.leaf.names_issuer(&chain.root));
}

#[test]
fn certificate_has_recorded_contents() {
    let openssl = OpenSsl::new();
    let key = openssl.key("key.pem", KEY_TYPES[1].1);
    let x509 = X509Properties { sans: all_names(), ..properties("CN=a, O=Größe") };
    let der = issue(&x509, &key, None).der().to_vec();
    let (_, parsed) = X509Certificate::from_der(&der).unwrap();
    assert_eq!(parsed.version.0, 2);
    assert_eq!(parsed.raw_serial(), [&[0x41_u8][..], &[0x81; 15]].concat());
    assert_eq!(parsed.issuer(), parsed.subject());
    let extensions: Vec<_> =
        parsed.extensions().iter().map(|ext| (ext.oid.to_id_string(), ext.critical)).collect();
    let expected = [
        ("2.5.29.15", true),
        ("2.5.29.19", false),
        ("2.5.29.37", false),
        ("2.5.29.17", false),
        ("2.5.29.35", false),
        ("2.5.29.14", false),
    ];
    assert_eq!(extensions, expected.map(|(oid, critical)| (oid.to_owned(), critical)));
    let constraints = parsed.extensions().iter().find(|ext| ext.oid.to_id_string() == "2.5.29.19");
    assert_eq!(constraints.unwrap().value, [0x30, 0]);
    // The text begins with the last element that is encoded; the common name is a PrintableString.
    let common_name = parsed.subject().iter_attributes().last().unwrap();
    assert_eq!(
        (common_name.attr_type().to_id_string().as_str(), common_name.as_slice()),
        ("2.5.4.3", &b"a"[..])
    );
    assert_eq!(common_name.attr_value().tag().0, 19);
    openssl.write("der", &der);
    let text = openssl.run(&["x509", "-in", "der", "-noout", "-text", "-nameopt", "RFC2253,utf8"]).unwrap();
    let names = "DNS:*.example.com, email:a@example.com, othername: UPN::ü@example.com, URI:urn:x:1, \
                 IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1";
    for line in ["Subject: CN=a,O=", names, "TLS Web Server Authentication, TLS Web Client Authentication"] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn request_asks_for_recorded_extensions() {
    let openssl = OpenSsl::new();
    let key = openssl.key("key.pem", KEY_TYPES[0].1);
    let x509 = X509Properties { subject: None, sans: all_names(), ..properties("CN=a") };
    let der = assemble(&request(&x509.subject().unwrap(), &x509, &key.public_key()).unwrap(), &key);
    let (_, parsed) = X509CertificationRequest::from_der(&der).unwrap();
    let requested: Vec<_> = parsed.requested_extensions().unwrap().collect();
    assert!(matches!(
        requested[..],
        [
            ParsedExtension::KeyUsage(_),
            ParsedExtension::ExtendedKeyUsage(_),
            ParsedExtension::SubjectAlternativeName(_),
            ParsedExtension::BasicConstraints(_)
        ]
    ));
    // The alternative names are critical, because the subject is empty.
    openssl.write("der", &der);
    let text = openssl.run(&["req", "-inform", "DER", "-in", "der", "-noout", "-text"]).unwrap();
    assert!(text.contains("X509v3 Subject Alternative Name: critical"), "{text}");
    assert!(text.contains("X509v3 Key Usage: critical"), "{text}");
}

#[test]
fn properties_survive_certificate() {
    let openssl = OpenSsl::new();
    let key = openssl.key("key.pem", KEY_TYPES[1].1);
    let given = X509Properties {
        sans: all_names(),
        ekus: ["1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.1", "1.2.3.4"].map(|oid| oid.parse().unwrap()).to_vec(),
        key_usage: KeyUsage::ALL.to_vec(),
        validity_months: 312.try_into().unwrap(),
        ..properties("CN=\"a, b\", O=c, C=DE")
    };
    let certificate = issue(&given, &key, None);
    assert_eq!(certificate.x509_properties(), given);
    assert_eq!(certificate.validity(), validity());
    let none = X509Properties { ekus: Vec::new(), key_usage: Vec::new(), ca: true, ..properties("CN=a") };
    let derived = issue(&none, &key, None).x509_properties();
    assert_eq!(
        (derived.ekus, derived.key_usage, derived.ca),
        (Vec::<ExtendedKeyUsage>::new(), Vec::new(), true)
    );
}

#[test]
fn openssl_certificates_are_read() {
    let openssl = OpenSsl::new();
    let subject = "/C=AU/ST=Some-State/O=Internet Widgits Pty Ltd";
    let key = ["-newkey", "rsa:2048", "-nodes", "-keyout", "key"];
    let days = ["-days", "3650", "-subj", subject, "-outform", "DER", "-out", "der"];
    openssl.run(&[&["req", "-x509"], &key[..], &days].concat()).unwrap();
    let certificate = Certificate::from_der(&openssl.read("der")).unwrap();
    let x509 = certificate.x509_properties();
    assert_eq!(x509.subject.as_deref(), Some("O=Internet Widgits Pty Ltd, S=Some-State, C=AU"));
    assert_eq!((x509.ekus.len(), x509.key_usage.len(), x509.ca), (0, 0, true));
    assert_eq!(x509.validity_months.get(), 120);
    let thumbprint = openssl.run(&["x509", "-in", "der", "-noout", "-fingerprint", "-sha1"]).unwrap();
    let hexadecimal: Vec<_> = certificate.thumbprint().iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(thumbprint.trim().rsplit('=').next(), Some(hexadecimal.join(":").as_str()));
}

#[test]
fn names_in_bmp_strings_are_read() {
    let openssl = OpenSsl::new();
    // The mask allows BMPStrings only (`B_ASN1_BMPSTRING`).
    openssl.write("conf", "[req]\nstring_mask = MASK:0x800\nutf8 = yes\nprompt = no\ndistinguished_name = name\n[name]\nCN = Größe €\n");
    openssl.key("key.pem", KEY_TYPES[1].1);
    openssl
        .run(&["req", "-x509", "-config", "conf", "-key", "key.pem", "-outform", "DER", "-out", "der"])
        .unwrap();
    let certificate = Certificate::from_der(&openssl.read("der")).unwrap();
    assert_eq!(certificate.subject().to_string(), "CN=Größe €");
}

#[test]
fn validity_after_2049_is_encoded_and_read() {
    let openssl = OpenSsl::new();
    let key = openssl.key("key.pem", KEY_TYPES[1].1);
    let x509 = properties("CN=a");
    let mut validity = validity();
    for not_after in ["2049-12-31T23:59:59Z", "2050-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
        validity.not_after = not_after.parse().unwrap();
        let contents = NewCertificate {
            subject: &x509.subject().unwrap(),
            x509: &x509,
            public_key: &key.public_key(),
            serial: [0; 16],
            validity,
        };
        let der = assemble(&contents.self_signed().unwrap(), &key);
        assert_eq!(Certificate::from_der(&der).unwrap().validity(), validity);
        openssl.write("der", der);
        let date =
            openssl.run(&["x509", "-in", "der", "-noout", "-enddate", "-dateopt", "iso_8601"]).unwrap();
        assert_eq!(date.trim(), format!("notAfter={}", not_after.replace('T', " ")));
    }
}

#[test]
fn signature_of_wrong_length_is_rejected() {
    let openssl = OpenSsl::new();
    for (_, options) in &KEY_TYPES[..2] {
        let key = openssl.key("key.pem", options);
        let x509 = properties("CN=a");
        let unsigned = request(&x509.subject().unwrap(), &x509, &key.public_key()).unwrap();
        for signature in [&[][..], &[1; 63], &[1; 255]] {
            assert_eq!(unsigned.assemble(signature), Err(Error::InvalidSignature));
        }
    }
}

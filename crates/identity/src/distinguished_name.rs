//! Formats distinguished names of certificates.

use std::fmt::Write as _;

use x509_parser::der_parser::asn1_rs::ToDer;
use x509_parser::prelude::X509Name;
use x509_parser::x509::AttributeTypeAndValue;

/// Formats a name as in RFC 4514: last element first, special characters escaped, so that a value cannot be mistaken
/// for several elements.
pub(super) fn distinguished_name(name: &X509Name<'_>) -> String {
    let mut text = String::new();
    let elements: Vec<_> = name.iter_rdn().collect();
    for (position, element) in elements.iter().rev().enumerate() {
        for (part, attribute) in element.iter().enumerate() {
            match (position, part) {
                (0, 0) => {}
                (_, 0) => text.push(','),
                _ => text.push('+'),
            }
            write_attribute(&mut text, attribute);
        }
    }
    text
}

fn write_attribute(text: &mut String, attribute: &AttributeTypeAndValue<'_>) {
    let identifier = attribute.attr_type().to_id_string();
    // RFC 4514, section 3, and OpenSSL's names for the email address and the serial number.
    let known = match identifier.as_str() {
        "2.5.4.3" => Some("CN"),
        "2.5.4.5" => Some("serialNumber"),
        "2.5.4.6" => Some("C"),
        "2.5.4.7" => Some("L"),
        "2.5.4.8" => Some("ST"),
        "2.5.4.9" => Some("street"),
        "2.5.4.10" => Some("O"),
        "2.5.4.11" => Some("OU"),
        "0.9.2342.19200300.100.1.1" => Some("UID"),
        "0.9.2342.19200300.100.1.25" => Some("DC"),
        "1.2.840.113549.1.9.1" => Some("emailAddress"),
        _ => None,
    };
    text.push_str(known.unwrap_or(&identifier));
    text.push('=');
    match (known, attribute.as_str()) {
        (Some(_), Ok(value)) => write_escaped(text, value),
        _ => {
            text.push('#');
            for byte in attribute.attr_value().to_der_vec().unwrap_or_default() {
                let _ = write!(text, "{byte:02X}");
            }
        }
    }
}

/// Escapes a value as in RFC 4514, section 2.4.
fn write_escaped(text: &mut String, value: &str) {
    let last = value.chars().count().saturating_sub(1);
    for (position, character) in value.chars().enumerate() {
        match character {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => text.extend(['\\', character]),
            '#' if position == 0 => text.push_str("\\#"),
            ' ' if position == 0 || position == last => text.push_str("\\ "),
            control if control.is_ascii_control() => {
                let _ = write!(text, "\\{:02X}", u32::from(control));
            }
            plain => text.push(plain),
        }
    }
}

//! Distinguished names of certificates as text: `CN=www.example.com, O=Example`.
//!
//! Parsing and printing are inverse to each other, in the style of .NET (`X500DistinguishedName`), which Azure uses: the text
//! begins with the last element of the encoded name.

use std::fmt;
use std::str::FromStr;

use crate::error::shorten;
use crate::field::{Field, InvalidValue};

/// The maximum length of a text, in bytes.
// assumption: neither Azure's maximum nor the encoded order of a subject with several elements is recorded.
const MAX_BYTES: usize = 1024;

/// An attribute type that has a keyword: .NET's spelling, other spellings, and the object identifier.
struct Keyword {
    name: &'static str,
    others: &'static [&'static str],
    oid: &'static str,
}

const fn keyword(name: &'static str, others: &'static [&'static str], oid: &'static str) -> Keyword {
    Keyword { name, others, oid }
}

/// Source: the table of `X500NameEncoder` of .NET, and RFC 4514, section 3.
const KEYWORDS: &[Keyword] = &[
    keyword("CN", &["commonName"], "2.5.4.3"),
    keyword("SN", &["surname"], "2.5.4.4"),
    keyword("SERIALNUMBER", &[], "2.5.4.5"),
    keyword("C", &["countryName"], "2.5.4.6"),
    keyword("L", &["localityName"], "2.5.4.7"),
    keyword("S", &["ST", "stateOrProvinceName"], "2.5.4.8"),
    keyword("STREET", &["streetAddress"], "2.5.4.9"),
    keyword("O", &["organizationName"], "2.5.4.10"),
    keyword("OU", &["organizationalUnitName"], "2.5.4.11"),
    keyword("T", &["title"], "2.5.4.12"),
    keyword("Description", &[], "2.5.4.13"),
    keyword("PostalCode", &[], "2.5.4.17"),
    keyword("Phone", &["telephoneNumber"], "2.5.4.20"),
    keyword("G", &["GN", "givenName"], "2.5.4.42"),
    keyword("I", &["initials"], "2.5.4.43"),
    keyword("dnQualifier", &[], "2.5.4.46"),
    keyword("E", &["email", "emailAddress"], DistinguishedName::EMAIL_ADDRESS),
    keyword("DC", &["domainComponent"], DistinguishedName::DOMAIN_COMPONENT),
    keyword("UID", &["userId"], "0.9.2342.19200300.100.1.1"),
];

/// An attribute of a name; each relative distinguished name has one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Attribute {
    /// The attribute type, an object identifier in dotted form.
    pub oid: String,
    /// The value.
    pub value: String,
}

/// The distinguished name of a subject or issuer.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct DistinguishedName {
    /// In the order of the text, which is the reverse of the encoded order.
    attributes: Vec<Attribute>,
}

impl DistinguishedName {
    /// The attribute type of a country, which has two letters.
    pub const COUNTRY: &str = "2.5.4.6";
    /// The attribute type of an email address, whose value is ASCII.
    pub const EMAIL_ADDRESS: &str = "1.2.840.113549.1.9.1";
    /// The attribute type of a label of a domain name, whose value is ASCII.
    pub const DOMAIN_COMPONENT: &str = "0.9.2342.19200300.100.1.25";

    /// Creates a name from its attributes in encoded order.
    pub fn from_encoded(attributes: impl DoubleEndedIterator<Item = Attribute>) -> Self {
        Self { attributes: attributes.rev().collect() }
    }

    /// Returns the attributes in the order in which they are encoded.
    pub fn encoded(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter().rev()
    }

    /// Whether the name has no attributes.
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }
}

impl FromStr for DistinguishedName {
    type Err = InvalidValue;

    /// Parses a name: elements separated by `,` or `;`, each an attribute type (a keyword, or an object identifier with or without
    /// `OID.`), `=` and a value. A value is plain, with special characters escaped by `\` as in RFC 4514, or in double
    /// quotes, which are doubled inside. An element has one attribute. The empty text is the empty name.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if text.len() > MAX_BYTES {
            return Err(invalid(format!("a subject has at most {MAX_BYTES} bytes")));
        }
        let mut attributes = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (keyword, value) = rest.split_once('=').ok_or_else(|| {
                invalid(format!("{:?} is not an attribute such as CN=www.example.com", shorten(rest)))
            })?;
            let oid = parse_attribute_type(keyword.trim())?;
            let (value, after) = parse_value(value.trim_start())?;
            check_value(&oid, &value)?;
            attributes.push(Attribute { oid, value });
            let Some(after) = after else { break };
            rest = after.trim_start();
            if rest.is_empty() {
                return Err(invalid("a subject does not end with a separator"));
            }
        }
        Ok(Self { attributes })
    }
}

fn invalid(why: impl Into<String>) -> InvalidValue {
    InvalidValue::new(Field::PolicySubject, why)
}

/// Returns the object identifier of a keyword.
fn parse_attribute_type(text: &str) -> Result<String, InvalidValue> {
    let known = KEYWORDS.iter().find(|known| {
        known.name.eq_ignore_ascii_case(text)
            || known.others.iter().any(|other| other.eq_ignore_ascii_case(text))
    });
    if let Some(known) = known {
        return Ok(known.oid.to_owned());
    }
    let oid = match text.get(..4) {
        Some(prefix) if prefix.eq_ignore_ascii_case("OID.") => &text[4..],
        _ => text,
    };
    if is_object_identifier(oid) {
        return Ok(oid.to_owned());
    }
    Err(invalid(format!("{:?} is not an attribute type such as CN, O, OU, L, S or C", shorten(text))))
}

/// Whether the text is an object identifier in dotted form, with at most 16 numbers of 32 bits, so that its encoding is short.
pub(super) fn is_object_identifier(text: &str) -> bool {
    let arcs: Vec<Option<u32>> = text.split('.').map(parse_arc).collect();
    let starts_well = match arcs.first().copied().zip(arcs.get(1).copied()) {
        Some((Some(0 | 1), Some(second))) => second < 40,
        Some((Some(2), Some(second))) => second <= 1000,
        _ => false,
    };
    starts_well && arcs.len() <= 16 && text.len() <= 64 && arcs.iter().all(Option::is_some)
}

fn parse_arc(text: &str) -> Option<u32> {
    let is_canonical = text == "0" || !text.starts_with('0');
    if is_canonical && text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Parses a value up to its separator; returns the text after the separator, if there is one.
fn parse_value(text: &str) -> Result<(String, Option<&str>), InvalidValue> {
    match text.strip_prefix('"') {
        Some(quoted) => parse_quoted(quoted),
        None => parse_plain(text),
    }
}

fn parse_quoted(text: &str) -> Result<(String, Option<&str>), InvalidValue> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let (part, after) =
            rest.split_once('"').ok_or_else(|| invalid("a quoted value has no closing quote"))?;
        value.push_str(part);
        match after.strip_prefix('"') {
            Some(after) => {
                value.push('"');
                rest = after;
            }
            None => {
                let after = after.trim_start();
                return match after.chars().next() {
                    None => Ok((value, None)),
                    Some(',' | ';') => Ok((value, Some(&after[1..]))),
                    Some('+') => Err(multi_valued()),
                    Some(_) => Err(invalid("a closing quote is followed by a separator")),
                };
            }
        }
    }
}

fn parse_plain(text: &str) -> Result<(String, Option<&str>), InvalidValue> {
    let mut bytes = Vec::new();
    // The length without unescaped spaces at the end.
    let mut significant = 0;
    let mut characters = text.char_indices();
    let mut after = None;
    while let Some((position, character)) = characters.next() {
        match character {
            ',' | ';' => {
                after = text.get(position + 1..);
                break;
            }
            '+' => return Err(multi_valued()),
            '"' => return Err(invalid("a quote in a value is escaped, or the value is quoted")),
            '\\' => {
                bytes.push_escaped(&mut characters)?;
                significant = bytes.len();
            }
            plain => {
                bytes.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes());
                if !plain.is_whitespace() {
                    significant = bytes.len();
                }
            }
        }
    }
    bytes.truncate(significant);
    let value = String::from_utf8(bytes).map_err(|_| invalid("an escaped value is not UTF-8"))?;
    Ok((value, after))
}

trait PushEscaped {
    /// Appends the character, or the byte in hexadecimal, that follows a `\`.
    fn push_escaped(&mut self, rest: &mut std::str::CharIndices<'_>) -> Result<(), InvalidValue>;
}

impl PushEscaped for Vec<u8> {
    fn push_escaped(&mut self, rest: &mut std::str::CharIndices<'_>) -> Result<(), InvalidValue> {
        let wrong = || invalid("a backslash is followed by a special character or two hexadecimal digits");
        let (_, first) = rest.next().ok_or_else(wrong)?;
        if let ',' | ';' | '+' | '"' | '\\' | '<' | '>' | '=' | '#' | ' ' = first {
            self.extend_from_slice(first.encode_utf8(&mut [0; 4]).as_bytes());
            return Ok(());
        }
        let second = rest.next().map(|(_, second)| second);
        let digits = first.to_digit(16).zip(second.and_then(|second| second.to_digit(16)));
        let byte = digits.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        self.push(byte.ok_or_else(wrong)?);
        Ok(())
    }
}

fn multi_valued() -> InvalidValue {
    invalid("an element of a subject has one attribute; a plus sign is escaped as \\+")
}

fn check_value(oid: &str, value: &str) -> Result<(), InvalidValue> {
    if value.is_empty() {
        return Err(invalid("the value of an attribute is not empty"));
    }
    if value.contains('\0') {
        return Err(invalid("the value of an attribute does not contain the character NUL"));
    }
    match oid {
        DistinguishedName::COUNTRY if value.len() != 2 || !value.bytes().all(|b| b.is_ascii_alphabetic()) => {
            Err(invalid("a country (C) has two letters"))
        }
        DistinguishedName::EMAIL_ADDRESS | DistinguishedName::DOMAIN_COMPONENT if !value.is_ascii() => {
            Err(invalid("email addresses (E) and domain components (DC) are ASCII"))
        }
        _ => Ok(()),
    }
}

impl fmt::Display for DistinguishedName {
    /// As .NET prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, Attribute { oid, value }) in self.attributes.iter().enumerate() {
            if position > 0 {
                f.write_str(", ")?;
            }
            match KEYWORDS.iter().find(|known| known.oid == oid) {
                Some(known) => write!(f, "{}=", known.name)?,
                None => write!(f, "OID.{oid}=")?,
            }
            if needs_quotes(value) {
                write!(f, "\"{}\"", value.replace('"', "\"\""))?;
            } else {
                f.write_str(value)?;
            }
        }
        Ok(())
    }
}

fn needs_quotes(value: &str) -> bool {
    let special = |c: char| matches!(c, ',' | '+' | '=' | '"' | '\n' | '<' | '>' | '#' | ';' | '\\');
    value.is_empty() || value.trim() != value || value.contains(special)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> DistinguishedName {
        text.parse().unwrap()
    }

    fn values(text: &str) -> Vec<(String, String)> {
        parsed(text).attributes.into_iter().map(|Attribute { oid, value }| (oid, value)).collect()
    }

    #[test]
    fn parses_escapes_and_quotes() {
        for (text, value) in [
            ("CN=www.example.com", "www.example.com"),
            ("cn = a b ", "a b"),
            (r"CN=a\, b", "a, b"),
            (r"CN=a\2Cb\+c", "a,b+c"),
            (r"CN=\C3\A4\ ", "ä "),
            (r#"CN="a, b""#, "a, b"),
            (r#"CN="say ""hi"""  "#, "say \"hi\""),
            (r#"CN="back\slash""#, r"back\slash"),
            ("CN=*.example.com", "*.example.com"),
            ("CN=名前", "名前"),
            ("CN=a=b", "a=b"),
        ] {
            assert_eq!(values(text), [("2.5.4.3".to_owned(), value.to_owned())], "{text}");
        }
        let several = values("CN=a, OU=b; O=c,ST=d,OID.1.2.3=e, 2.5.4.15=f");
        let several: Vec<_> = several.iter().map(|(oid, value)| format!("{oid}={value}")).collect();
        assert_eq!(several.join(" "), "2.5.4.3=a 2.5.4.11=b 2.5.4.10=c 2.5.4.8=d 1.2.3=e 2.5.4.15=f");
        assert!(parsed("").is_empty() && parsed(" ").is_empty());
    }

    #[test]
    fn rejects_names_that_are_not_distinguished() {
        for text in [
            "www.example.com",
            "CN",
            "=a",
            "CN=",
            "CN= ,O=b",
            "CN=a+O=b",
            r#"CN="a"+O=b"#,
            "CN=a,",
            "CN=a,,O=b",
            "XX=a",
            "1=a",
            "3.1=a",
            "1.40=a",
            "01.2=a",
            "1.2.99999999999=a",
            r"CN=a\",
            r"CN=a\zz",
            r"CN=\ff",
            r#"CN="a"#,
            r#"CN="a"b"#,
            "CN=a\"b",
            "C=DEU",
            "C=d1",
            "E=ä@example.com",
            "CN=a\0b",
            &format!("CN={}", "a".repeat(1022)),
        ] {
            let error = text.parse::<DistinguishedName>().unwrap_err();
            assert_eq!(error.field, Field::PolicySubject, "{text}");
        }
    }

    #[test]
    fn prints_in_reverse_order_of_encoding() {
        let encoded =
            [("2.5.4.6", "AU"), ("2.5.4.8", "Some-State"), ("2.5.4.10", "Internet Widgits Pty Ltd")];
        let encoded = encoded.map(|(oid, value)| Attribute { oid: oid.to_owned(), value: value.to_owned() });
        let name = DistinguishedName::from_encoded(encoded.clone().into_iter());
        assert_eq!(name.to_string(), "O=Internet Widgits Pty Ltd, S=Some-State, C=AU");
        assert_eq!(parsed(&name.to_string()), name);
        assert_eq!(name.encoded().cloned().collect::<Vec<_>>(), encoded);
        for (text, printed) in
            [(r"CN=a\,b", r#"CN="a,b""#), ("1.2.3=x", "OID.1.2.3=x"), (r#"CN="a""b""#, r#"CN="a""b""#)]
        {
            assert_eq!(parsed(text).to_string(), printed);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_panic(text in "\\PC{0,40}|([a-zA-Z.0-9]{1,4}=[\\PC\\\\\"]{0,6}[,;+]){0,5}") {
            if let Ok(name) = text.parse::<DistinguishedName>() {
                prop_assert_eq!(name.to_string().parse::<DistinguishedName>().unwrap(), name);
            }
        }

        #[test]
        fn any_value_survives_printing(value in "[\\PC\\n]{1,30}") {
            let name = DistinguishedName {
                attributes: vec![Attribute { oid: "2.5.4.3".to_owned(), value }; 2],
            };
            prop_assert_eq!(name.to_string().parse::<DistinguishedName>().unwrap(), name);
        }
    }
}

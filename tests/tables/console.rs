//! Checks the built files of the web console: their size, and that they name no other origin.

use std::collections::BTreeMap;
use std::fs;

const FOLDER: &str = "console/dist";

/// The maximum size of all files together, in bytes.
const MAX_BYTES: usize = 600_000;

/// The hosts that the files may name: in the names of XML namespaces, which are never requested.
const NAMESPACES: [&str; 1] = ["www.w3.org"];

/// The files by their names.
fn files() -> BTreeMap<String, String> {
    let entries = fs::read_dir(FOLDER).unwrap().map(Result::unwrap);
    let read = |entry: fs::DirEntry| {
        (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
    };
    entries.map(read).collect()
}

/// Returns the hosts of all URLs in a text.
fn hosts(text: &str) -> Vec<&str> {
    let parts = text.match_indices("://").map(|(at, separator)| (&text[..at], &text[at + separator.len()..]));
    let absolute =
        parts.filter(|(scheme, _)| ["http", "https", "ws", "wss"].iter().any(|one| scheme.ends_with(one)));
    let relative =
        ["\"//", "'//", "`//", "(//", "=//"].into_iter().flat_map(|start| text.match_indices(start));
    let relative = relative.map(|(at, start)| &text[at + start.len()..]);
    let is_of_host =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '[' | ']' | ':');
    absolute
        .map(|(_, rest)| rest)
        .chain(relative)
        .map(|rest| &rest[..rest.find(|letter| !is_of_host(letter)).unwrap_or(rest.len())])
        // A scheme alone is compared with, or prepended to a host of the service.
        .filter(|host| !host.is_empty())
        .collect()
}

#[test]
fn files_of_the_console_are_small() {
    let files = files();
    for name in ["index.html", "console.js", "console.css"] {
        assert!(files.contains_key(name), "{name} is missing");
    }
    let total: usize = files.values().map(String::len).sum();
    assert!(total < MAX_BYTES, "{total} bytes, less than {MAX_BYTES} are allowed");
    assert!(!files.keys().any(|name| name.ends_with(".map")), "source maps are not served");
}

#[test]
fn files_of_the_console_name_no_other_origin() {
    // Licences are read, not loaded.
    for (name, text) in files().iter().filter(|(name, _)| !name.ends_with(".txt")) {
        let foreign: Vec<&str> = hosts(text).into_iter().filter(|host| !NAMESPACES.contains(host)).collect();
        assert!(foreign.is_empty(), "{name} names {foreign:?}");
    }
}

#[test]
fn hosts_are_found_in_every_form_of_url() {
    let text = r#"<a href="https://a.example/x"> url(//b.example:1) fetch('//c.example') `wss://d.example` "http://www.w3.org/2000/svg"
        x.startsWith("https://") ? `https://${host}` : a//comment"#;
    assert_eq!(hosts(text), ["a.example", "d.example", "www.w3.org", "c.example", "b.example:1"]);
}

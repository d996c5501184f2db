//! Checks that comments, string literals and documentation contain none of the glossary's banned words.

use std::error::Error;
use std::fs;
use std::path::Path;

use super::assert_none;

/// The page with the list of banned words.
const GLOSSARY: &str = "docs/glossary.md";

/// The heading of the list, which is the last section of the page and is not checked itself.
const HEADING: &str = "\n## Banned words\n";

/// The folders whose files are checked, together with the files in the root of the repository.
const FOLDERS: &[&str] = &[
    ".ci",
    ".config",
    "benches",
    "crates",
    "docs",
    "fuzz",
    "hsm-config",
    "packaging",
    "proto",
    "scripts",
    "src",
    "tests",
    "tools",
];

/// Folders that are skipped: build output, dependencies, and texts recorded from Azure or other implementations.
const SKIPPED: &[&str] =
    &["artifacts", "corpus", "golden", "node_modules", "seeds", "target", "vectors", "venv"];

/// File name extensions of text that is checked whole. Other files, such as SQL migrations, which are immutable, and
/// recorded JSON, are not checked.
const TEXT: &[&str] = &["md", "mjs", "proto", "py", "service", "sh", "toml", "yaml"];

/// Files without extension that are checked whole.
const NAMED: &[&str] = &["Containerfile", "Makefile", "copyright", "run"];

/// Allowed occurrences of banned words, each with text that the line contains.
const EXCEPTIONS: &[(&str, &str)] = &[
    // A member of the JSON output of `strongroom doctor`, which scripts read.
    ("ghosts", "\"ghosts\""),
];

/// A banned word or phrase, and the term to use instead.
struct Banned {
    words: Vec<String>,
    instead: String,
}

#[test]
fn prose_contains_no_banned_words() {
    let banned = banned_words(&fs::read_to_string(GLOSSARY).unwrap());
    assert!(banned.len() >= 10, "{GLOSSARY} lists {} banned words", banned.len());
    let mut files = Vec::new();
    collect_files(Path::new("."), false, &mut files).unwrap();
    for folder in FOLDERS {
        collect_files(Path::new(folder), true, &mut files).unwrap();
    }
    assert!(files.len() > 500, "only {} files are checked", files.len());
    let found: Vec<String> = files.iter().flat_map(|(path, text)| breaches(path, text, &banned)).collect();
    assert_none(&found);
}

/// Returns the list in the glossary: rows that begin with one or more words in backticks, followed by the alternative.
fn banned_words(glossary: &str) -> Vec<Banned> {
    let (_, list) = glossary.split_once(HEADING).unwrap_or_default();
    let rows = list.lines().filter_map(|line| line.strip_prefix("| `")?.split_once(" | "));
    rows.flat_map(|(words, instead)| {
        let instead = instead.trim_end_matches([' ', '|']).to_owned();
        words.split('`').step_by(2).filter(|phrase| !phrase.is_empty()).map(move |phrase| Banned {
            words: phrase.split(' ').map(str::to_owned).collect(),
            instead: instead.clone(),
        })
    })
    .collect()
}

/// Reads the checked files of a folder.
fn collect_files(
    folder: &Path,
    is_recursive: bool,
    files: &mut Vec<(String, String)>,
) -> Result<(), Box<dyn Error>> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if is_recursive && !SKIPPED.contains(&name.as_str()) {
                collect_files(&path, true, files)?;
            }
            continue;
        }
        let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        if extension == "rs" || TEXT.contains(&extension.as_str()) || NAMED.contains(&name.as_str()) {
            let shown = path.to_string_lossy().trim_start_matches("./").to_owned();
            files.push((shown, fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

/// Returns a message for each banned word in the prose of a file.
fn breaches(path: &str, text: &str, banned: &[Banned]) -> Vec<String> {
    let segments = match path {
        GLOSSARY => vec![(0, text.split(HEADING).next().unwrap_or_default())],
        _ if path.ends_with(".rs") => rust_prose(text),
        _ => vec![(0, text)],
    };
    let lines: Vec<&str> = text.split('\n').collect();
    let mut found = Vec::new();
    for (offset, segment) in segments {
        let words = words(segment);
        for (index, (start, _)) in words.iter().enumerate() {
            for Banned { words: phrase, instead } in banned {
                let Some(run) = words.get(index..index + phrase.len()) else { continue };
                if !is_phrase(segment, run, phrase) {
                    continue;
                }
                let line = text[..offset + start].matches('\n').count();
                let phrase = phrase.join(" ");
                let is_exception = EXCEPTIONS.iter().any(|(word, allowed)| {
                    *word == phrase && lines.get(line).is_some_and(|text| text.contains(allowed))
                });
                if !is_exception {
                    found.push(format!("{path}:{}: \"{phrase}\" is banned, use: {instead}", line + 1));
                }
            }
        }
    }
    found
}

/// Whether consecutive words are this phrase, in any case, and separated by blanks and comment markers only.
fn is_phrase(text: &str, words: &[(usize, &str)], phrase: &[String]) -> bool {
    let is_gap = |gap: &str| gap.chars().all(|letter| letter.is_whitespace() || "/!#*>\\".contains(letter));
    words.iter().zip(phrase).all(|((_, word), wanted)| word.eq_ignore_ascii_case(wanted))
        && words.windows(2).all(|pair| is_gap(&text[pair[0].0 + pair[0].1.len()..pair[1].0]))
}

/// Returns the words of a text with their offsets.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    let mut found = Vec::new();
    for piece in text.split_inclusive(|letter: char| !is_word(letter)) {
        let word = piece.trim_end_matches(|letter: char| !is_word(letter));
        if !word.is_empty() {
            found.push((at, word));
        }
        at += piece.len();
    }
    found
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Returns the comments and string literals of Rust source text with their offsets. Line comments in adjacent lines are
/// one comment.
fn rust_prose(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (length, is_prose) = match first {
            '/' if rest.starts_with("//") => (line_comments(rest), true),
            '/' if rest.starts_with("/*") => (block_comment(rest), true),
            '"' => (string(rest), true),
            '\'' => (char_or_lifetime(rest), false),
            _ if is_word(first) => word_or_raw_string(rest),
            _ => (first.len_utf8(), false),
        };
        if is_prose {
            found.push((text.len() - rest.len(), &rest[..length]));
        }
        rest = &rest[length..];
    }
    found
}

fn line_comments(rest: &str) -> usize {
    let mut lines = rest.split_inclusive('\n');
    let first = lines.next().map_or(0, str::len);
    first + lines.take_while(|line| line.trim_start().starts_with("//")).map(str::len).sum::<usize>()
}

/// Block comments may be nested.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        let (step, change) = match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (2, 1),
            [b'*', b'/', ..] => (2, -1),
            _ => (1, 0),
        };
        at += step;
        depth = depth.saturating_add_signed(change);
        if depth == 0 {
            break;
        }
    }
    at
}

fn string(rest: &str) -> usize {
    let mut is_escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Returns the length of a character literal, or of the quotation mark of a lifetime.
fn char_or_lifetime(rest: &str) -> usize {
    let mut letters = rest.char_indices().skip(1);
    match (letters.next(), letters.next()) {
        (Some((_, '\\')), Some(_)) => {
            letters.find(|(_, letter)| *letter == '\'').map_or(rest.len(), |(at, _)| at + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

/// Returns the length of an identifier or number, or of a raw string and whether it is one.
fn word_or_raw_string(rest: &str) -> (usize, bool) {
    let word = rest.find(|letter: char| !is_word(letter)).unwrap_or(rest.len());
    let hashes = rest[word..].chars().take_while(|letter| *letter == '#').count();
    if !["r", "br", "cr"].contains(&&rest[..word]) || !rest[word + hashes..].starts_with('"') {
        return (word, false);
    }
    let start = word + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    (rest[start..].find(&end).map_or(rest.len(), |at| start + at + end.len()), true)
}

/// Tests of the rule itself, with words that are not banned in this repository.
#[cfg(test)]
mod proof {
    use super::*;

    const LIST: &str = "# G\n\nA gizmo.\n\n## Banned words\n\n| banned | instead |\n|---|---|\n\
        | `gizmo`, `gizmos` | device |\n| `goes round` | rotates |\n";

    fn found(path: &str, text: &str) -> Vec<String> {
        breaches(path, text, &banned_words(LIST))
    }

    #[test]
    fn reports_file_line_and_word() {
        assert_eq!(
            found("docs/a.md", "One.\n\nThe Gizmo, and\nit goes\nround.\n"),
            [
                "docs/a.md:3: \"gizmo\" is banned, use: device",
                "docs/a.md:4: \"goes round\" is banned, use: rotates"
            ]
        );
        assert_eq!(found("docs/glossary.md", LIST), ["docs/glossary.md:3: \"gizmo\" is banned, use: device"]);
    }

    #[test]
    fn reports_comments_and_strings_of_rust() {
        for text in [
            "//! A gizmo.",
            "/// It goes\n    /// round.",
            "fn f() {} // gizmos",
            "/* /* */ gizmo */",
            "const A: &str = \"a \\\" gizmo\";",
            "const A: &str = \"it goes \\\n    round\";",
            "const A: &str = r#\"a \" gizmo\"#;",
            "const A: &[u8] = b\"gizmo\";",
            "const A: [char; 2] = ['\"', '\\'']; // gizmo",
            "fn f<'a>(a: &'a str) { g('\"', \"gizmo\") }",
        ] {
            assert_eq!(found("src/a.rs", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn accepts_identifiers_parts_of_words_and_separated_phrases() {
        for text in [
            "fn gizmo(gizmos: Gizmo) {}",
            "// gizmo_count and gizmology",
            "// It goes, round or not. It goes.\n\n// Round.",
            "const A: &str = \"goes\"; const B: &str = \"round\";",
            "const A: char = '\"'; fn gizmo() {} const B: char = '\"';",
        ] {
            assert_none(&found("src/a.rs", text));
        }
    }
}

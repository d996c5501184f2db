//! Parses the Rust sources of the repository into the paths, identifiers and line counts that the rules check.

use std::error::Error;
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A parsed source file.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) lines: usize,
    pub(super) has_doc_comment: bool,
    /// Every path outside of tests as its identifiers: `["crate", "model", "Error"]`. `use` trees are expanded.
    pub(super) paths: Vec<Vec<String>>,
    /// The paths that the file reexports, which are not among `paths`.
    pub(super) reexports: Vec<Vec<String>>,
    /// Every identifier, including those in tests.
    pub(super) identifiers: Vec<String>,
}

impl Source {
    pub(super) fn parse(path: &str, text: &str) -> Result<Self, Box<dyn Error>> {
        let tokens: TokenStream = text.parse().map_err(|error| format!("{path}: {error}"))?;
        let mut source = Self {
            path: path.to_owned(),
            lines: text.lines().count(),
            has_doc_comment: text.starts_with("//! "),
            paths: Vec::new(),
            reexports: Vec::new(),
            identifiers: Vec::new(),
        };
        collect_words(tokens.clone(), &mut source.identifiers);
        collect_paths(tokens, &mut source.paths, &mut source.reexports);
        Ok(source)
    }

    pub(super) fn is_in(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }

    pub(super) fn is_test(&self) -> bool {
        self.path.split('/').any(|part| part == "tests" || part == "tests.rs")
    }

    /// Whether the file declares or imports a module of this name, which shadows the crate of the same name.
    pub(super) fn declares(&self, name: &str) -> bool {
        let is_declared = self.identifiers.windows(2).any(|words| words[0] == "mod" && words[1] == name);
        let imports = |path: &&Vec<String>| path[0] != name && path.last().is_some_and(|last| last == name);
        is_declared || self.all_paths().any(|path| imports(&path))
    }

    /// The top-level module of the top package that the file belongs to: `ops` for `src/ops/page.rs`.
    pub(super) fn module(&self) -> Option<&str> {
        self.path.strip_prefix("src/")?.split(['/', '.']).next()
    }

    /// The root of the crate that the file belongs to, and the path of the file in it without the ending:
    /// `("crates/store/src", "rows")`. `None` for tests and build scripts.
    pub(super) fn crate_and_file(&self) -> Option<(&str, &str)> {
        let at = self.path.find("src/")?;
        let is_crate = at == 0 || self.path[..at].starts_with("crates/");
        let (root, file) = (&self.path[..at + 3], &self.path[at + 4..]);
        is_crate.then_some((root, file.strip_suffix(".rs")?))
    }

    /// The module path of the file in its crate: `["ops", "page"]` for `src/ops/page.rs`. Empty for tests.
    fn position(&self) -> Vec<&str> {
        let (_, inside) = self.crate_and_file().unwrap_or_default();
        inside.split('/').filter(|part| !["mod", "lib", "main"].contains(part)).collect()
    }

    /// Every path outside of tests, reexported ones included.
    pub(super) fn all_paths(&self) -> impl Iterator<Item = &Vec<String>> {
        self.paths.iter().chain(&self.reexports)
    }

    /// Returns a path into this crate relative to its root. Paths into other packages of the workspace are like those
    /// into the modules that the top package makes of them.
    pub(super) fn in_crate(&self, path: &[String]) -> Option<Vec<String>> {
        let position = self.position();
        let up = path.iter().take_while(|word| *word == "super").count();
        let (base, rest) = match path[0].as_str() {
            "crate" | "strongroom" | "strongroom_environment" => (&position[..0], &path[1..]),
            "self" => (&position[..], &path[1..]),
            "super" => (&position[..position.len().saturating_sub(up)], &path[up..]),
            other => (&[other.strip_prefix("strongroom_")?][..], &path[1..]),
        };
        let absolute: Vec<String> =
            base.iter().map(ToString::to_string).chain(rest.iter().cloned()).collect();
        (!absolute.is_empty()).then_some(absolute)
    }

    /// The paths into this crate, relative to its root.
    pub(super) fn crate_paths(&self) -> impl Iterator<Item = Vec<String>> {
        self.all_paths().filter_map(|path| self.in_crate(path))
    }
}

fn collect_words(tokens: TokenStream, words: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(word) => words.push(word.to_string()),
            TokenTree::Group(group) => collect_words(group.stream(), words),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

fn collect_paths(tokens: TokenStream, paths: &mut Vec<Vec<String>>, reexports: &mut Vec<Vec<String>>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Punct(_) if is_test_attribute(&tokens[at..]) => at = end_of_item(&tokens, at + 2),
            // Excludes the precise capturing `use<..>` of a return type.
            TokenTree::Ident(word) if *word == "use" && !is_punct(tokens.get(at + 1), '<') => {
                let end = (at..tokens.len()).find(|&i| is_punct(tokens.get(i), ';')).unwrap_or(tokens.len());
                let into = if is_reexport(&tokens[..at]) { &mut *reexports } else { &mut *paths };
                collect_use(&[], &tokens[at + 1..end], into);
                at = end;
            }
            TokenTree::Ident(_) => {
                let (path, length) = path_at(&tokens[at..]);
                paths.push(path);
                at += length;
            }
            TokenTree::Group(group) => {
                collect_paths(group.stream(), paths, reexports);
                at += 1;
            }
            _ => at += 1,
        }
    }
}

/// Whether the tokens before `use` are a visibility: `pub`, `pub(super)`.
fn is_reexport(before: &[TokenTree]) -> bool {
    let is_pub = |token: &TokenTree| matches!(token, TokenTree::Ident(word) if *word == "pub");
    match before {
        [.., keyword, TokenTree::Group(group)] if is_pub(keyword) => {
            group.delimiter() == Delimiter::Parenthesis
        }
        [.., keyword] => is_pub(keyword),
        [] => false,
    }
}

/// Expands a `use` tree: `a::{b, c::d}` to `a::b` and `a::c::d`.
fn collect_use(prefix: &[String], tree: &[TokenTree], paths: &mut Vec<Vec<String>>) {
    for branch in tree.split(|token| is_punct(Some(token), ',')) {
        let mut path = prefix.to_vec();
        let mut is_leaf = !branch.is_empty();
        for token in branch {
            match token {
                TokenTree::Ident(word) if *word == "as" => break,
                TokenTree::Ident(word) => path.push(word.to_string()),
                TokenTree::Punct(star) if star.as_char() == '*' => path.push("*".to_owned()),
                TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                    collect_use(&path, &group.stream().into_iter().collect::<Vec<_>>(), paths);
                    is_leaf = false;
                }
                _ => {}
            }
        }
        if is_leaf {
            if path.len() == 1 {
                path.push("self".to_owned());
            }
            paths.push(path);
        }
    }
}

/// The identifiers joined by `::` at the start of `tokens`, and the number of tokens they take.
fn path_at(tokens: &[TokenTree]) -> (Vec<String>, usize) {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(TokenTree::Ident(word)) = tokens.get(at) {
        words.push(word.to_string());
        at += 1;
        let continues = is_punct(tokens.get(at), ':')
            && is_punct(tokens.get(at + 1), ':')
            && matches!(tokens.get(at + 2), Some(TokenTree::Ident(_)));
        if !continues {
            break;
        }
        at += 2;
    }
    (words, at)
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn is_test_attribute(tokens: &[TokenTree]) -> bool {
    match tokens {
        [hash, TokenTree::Group(group), ..] if is_punct(Some(hash), '#') => {
            group.stream().to_string().replace(' ', "") == "cfg(test)"
        }
        _ => false,
    }
}

/// The index after the item that starts at `at`: after its first `;` or block.
fn end_of_item(tokens: &[TokenTree], at: usize) -> usize {
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        other => is_punct(Some(other), ';'),
    };
    tokens[at..].iter().position(ends).map_or(tokens.len(), |length| at + length + 1)
}

/// Parses all sources of the repository.
pub(super) fn load_sources() -> Result<Vec<Source>, Box<dyn Error>> {
    let mut sources = Vec::new();
    for folder in ["src", "crates", "tests", "benches"] {
        read_folder(Path::new(folder), &mut sources)?;
    }
    sources.push(Source::parse("build.rs", &fs::read_to_string("build.rs")?)?);
    Ok(sources)
}

fn read_folder(folder: &Path, sources: &mut Vec<Source>) -> Result<(), Box<dyn Error>> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read_folder(&path, sources)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(Source::parse(&path.to_string_lossy(), &fs::read_to_string(&path)?)?);
        }
    }
    Ok(())
}

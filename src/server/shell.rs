//! Quotes values for shells.

/// Quotes a value for a POSIX shell, if needed.
pub(crate) fn shell_quoted(value: &str) -> String {
    if !value.is_empty() && is_shell_safe(value) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}

/// Whether the value has no characters that are special in shells or `.env` files.
pub(crate) fn is_shell_safe(value: &str) -> bool {
    value.chars().all(|c| c.is_ascii_alphanumeric() || "/._-:@%+=,".contains(c))
}

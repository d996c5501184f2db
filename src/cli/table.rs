//! Formats aligned columns of text.

/// Formats rows under headings. Each column is as wide as its widest cell.
pub(crate) fn columns(headings: &[&str], rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| printable(cell)).collect()).collect();
    let widths: Vec<usize> = headings
        .iter()
        .enumerate()
        .map(|(column, heading)| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| width(cell)).fold(width(heading), usize::max)
        })
        .collect();
    let headings: Vec<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
    let lines = std::iter::once(&headings).chain(&rows);
    lines.map(|cells| line(cells, &widths)).collect()
}

/// Formats rows like [`columns`], with the columns at the indices `right` aligned to the right.
pub(crate) fn columns_right_aligned(headings: &[&str], rows: &[Vec<String>], right: &[usize]) -> String {
    let mut headings: Vec<String> = headings.iter().map(|heading| (*heading).to_owned()).collect();
    let mut rows = rows.to_vec();
    for column in right.iter().copied() {
        let cells = rows.iter().filter_map(|row| row.get(column)).chain(headings.get(column));
        let widest = cells.map(|cell| width(cell)).max().unwrap_or(0);
        let cells = rows.iter_mut().filter_map(|row| row.get_mut(column)).chain(headings.get_mut(column));
        for cell in cells {
            let gap = widest.saturating_sub(width(cell));
            cell.insert_str(0, &" ".repeat(gap));
        }
    }
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    columns(&headings, &rows)
}

/// Formats names with aligned values. Empty values are omitted.
pub(crate) fn fields(fields: &[(&str, String)]) -> String {
    let shown: Vec<_> = fields.iter().filter(|(_, value)| !value.is_empty()).collect();
    let widest = shown.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    shown
        .into_iter()
        .map(|(name, value)| line(&[(*name).to_owned(), printable(value)], &[widest, 0]))
        .collect()
}

/// Returns `yes` or `no`.
pub(crate) fn yes_or_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

/// Formats a recovery level with the days for which recovery is possible; 0 if it is not.
pub(crate) fn recovery(level: &str, days: u32) -> String {
    if days == 0 { level.to_owned() } else { format!("{level}, {days} days") }
}

/// Replaces control characters, which could move a terminal's cursor or change colors.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, wide) in cells.iter().zip(widths) {
        line.push_str(cell);
        let gap = wide.saturating_sub(width(cell)) + 2;
        line.extend(std::iter::repeat_n(' ', gap));
    }
    line.truncate(line.trim_end().len());
    line.push('\n');
    line
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_without_trailing_spaces() {
        let rows = [vec!["a".into(), "EC-HSM P-256".into()], vec!["über-lang".into(), String::new()]];
        assert_eq!(
            columns(&["NAME", "TYPE"], &rows),
            "NAME       TYPE\na          EC-HSM P-256\nüber-lang\n"
        );
    }

    #[test]
    fn fields_without_value_are_omitted() {
        let shown = fields(&[("name", "x".into()), ("expires", String::new()), ("enabled", "yes".into())]);
        assert_eq!(shown, "name     x\nenabled  yes\n");
    }

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(printable("a\u{1b}[31m\nb"), "a\u{fffd}[31m\u{fffd}b");
    }
}

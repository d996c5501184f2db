//! Shows a report: as text, or as the screen of a terminal.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::report::{LedgerReport, OperationReport, Report, ScheduleReport, TokenReport};
use crate::cli::table;

/// Returns the report as text.
pub(super) fn text(report: &Report) -> String {
    [summary(report), tokens(&report.tokens), operations(&report.operations)].join("\n")
}

/// Draws the report. A part that does not fit is cut off at the bottom.
pub(super) fn draw(frame: &mut Frame<'_>, report: &Report) {
    let parts = [summary(report), tokens(&report.tokens), operations(&report.operations)];
    let lines = |part: &String| u16::try_from(part.lines().count()).unwrap_or(u16::MAX).saturating_add(1);
    let [first, second, _] = &parts;
    let heights = [Constraint::Length(lines(first)), Constraint::Length(lines(second)), Constraint::Min(1)];
    let areas: [_; 4] =
        Layout::vertical(heights.into_iter().chain([Constraint::Length(1)])).areas(frame.area());
    for (index, (part, area)) in parts.iter().zip(areas).enumerate() {
        let heading = Style::new().add_modifier(Modifier::BOLD);
        let styled = part.lines().enumerate().map(|(row, line)| {
            let is_heading = row == 0 && (index > 0 || !report.is_ready);
            Line::styled(line.to_owned(), if is_heading { heading } else { Style::new() })
        });
        frame.render_widget(Paragraph::new(styled.collect::<Vec<_>>()), area);
    }
    let [.., footer] = areas;
    frame.render_widget(Paragraph::new("q: quit"), footer);
}

fn summary(report: &Report) -> String {
    let LedgerReport {
        is_failing,
        records_per_second,
        records_per_group,
        write_milliseconds,
        unsaved_records,
    } = &report.ledger;
    let ScheduleReport { due, lag_seconds, next_in_seconds, is_clock_trusted } = &report.schedule;
    let next = next_in_seconds
        .map_or_else(|| "nothing scheduled".to_owned(), |next| format!("next in {}", span(next)));
    table::fields(&[
        (
            "service",
            format!(
                "strongroom {}, {}, {}, up {}",
                report.version,
                report.mode,
                if report.is_ready { "ready" } else { "NOT READY" },
                span(report.uptime_seconds)
            ),
        ),
        (
            "calls",
            format!(
                "{:.1}/s, {:.1} errors/s, {} in progress",
                report.calls_per_second, report.errors_per_second, report.calls_in_progress
            ),
        ),
        (
            "process",
            format!(
                "{:.0} MiB, {} of {} connections",
                report.memory_bytes / 1_048_576.0,
                report.connections,
                report.connection_limit
            ),
        ),
        (
            "ledger",
            format!(
                "{}{records_per_second:.1} records/s, {records_per_group:.1} per group, {write_milliseconds:.2} ms per \
                 group, {unsaved_records} unsaved",
                if *is_failing { "FAILING, " } else { "" }
            ),
        ),
        (
            "schedule",
            format!(
                "{due} due, {} late, {next}{}",
                span(*lag_seconds),
                if *is_clock_trusted { "" } else { ", CLOCK NOT TRUSTED" }
            ),
        ),
    ])
}

fn tokens(tokens: &[TokenReport]) -> String {
    let headings = [
        "TOKEN", "LABEL", "STATE", "WORKERS", "STARTING", "FAILED", "ENDED", "RUNNING", "WAITING",
        "SESSIONS", "ERRORS/S",
    ];
    let cells = |token: &TokenReport| {
        let numbers = [
            token.workers_running,
            token.workers_starting,
            token.workers_failed,
            token.worker_ends,
            token.calls_running,
            token.calls_waiting,
        ];
        let state = if token.is_up { "up" } else { "DOWN" };
        let mut cells = vec![token.serial.clone(), token.label.clone(), state.to_owned()];
        cells.extend(numbers.iter().map(ToString::to_string));
        cells.push(token.sessions.map(|sessions| sessions.to_string()).unwrap_or_default());
        cells.push(format!("{:.1}", token.errors_per_second));
        cells
    };
    let rows: Vec<_> = tokens.iter().map(cells).collect();
    table::columns_right_aligned(&headings, &rows, &[3, 4, 5, 6, 7, 8, 9, 10])
}

fn operations(operations: &[OperationReport]) -> String {
    let headings = ["SURFACE", "OPERATION", "CALLS/S", "ERRORS/S", "P50 MS", "P99 MS"];
    let milliseconds =
        |bound: f64| if bound.is_finite() { format!("<= {bound}") } else { "> 60000".to_owned() };
    let cells = |operation: &OperationReport| {
        vec![
            operation.surface.clone(),
            operation.operation.clone(),
            format!("{:.1}", operation.calls_per_second),
            format!("{:.1}", operation.errors_per_second),
            milliseconds(operation.p50_milliseconds),
            milliseconds(operation.p99_milliseconds),
        ]
    };
    let rows: Vec<_> = operations.iter().map(cells).collect();
    table::columns_right_aligned(&headings, &rows, &[2, 3, 4, 5])
}

/// Returns a time in its two largest units.
fn span(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "conversion saturates")]
    let seconds = seconds.max(0.0) as u64;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, ..) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn times_are_shown_in_two_units() {
        let spans = [-1.0, 59.9, 61.0, 7_260.0, 90_000.0].map(span);
        assert_eq!(spans, ["0s", "59s", "1m 1s", "2h 1m", "1d 1h"]);
    }
}

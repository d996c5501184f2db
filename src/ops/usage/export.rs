//! Returns costs by the day with the columns of FOCUS, in pieces.

use super::{Asked, Costs};
use crate::focus::{self, Row};
use crate::model::billing::{Period, statement};
use crate::model::control_plane::{ControlAction, ControlScope};
use crate::model::entry::Meter;
use crate::model::{Error, Result, Timestamp};
use crate::ops::{ControlCx, Done, Operation};

/// How large a piece becomes before it ends with its day, in bytes.
const PIECE: usize = 1024 * 1024;

/// Exports costs.
#[derive(Clone, Debug)]
pub struct ExportUsage {
    /// Whose.
    pub scope: ControlScope,
    /// Of which period.
    pub period: Asked,
    /// By which plan; `None` for the configured one.
    pub plan: Option<String>,
    /// As what.
    pub format: FileFormat,
    /// Where the piece begins; `None` for the first.
    pub after: Option<Timestamp>,
}

/// What the file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileFormat {
    /// Comma-separated values with a line of headings.
    Csv,
    /// JSON, one object a line.
    Json,
}

/// A piece of the file: whole lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    /// The bytes.
    pub content: Vec<u8>,
    /// Where the next piece begins; `None` after the last.
    pub next: Option<Timestamp>,
}

impl Operation for ExportUsage {
    const NAME: &'static str = "ExportUsage";
    const EVENT: &'static str = "UsageExport";
    const ACTION: ControlAction = ControlAction::UsageRead;
    const METER: Meter = Meter::Free;
    type Target = Costs;
    type Reply = Piece;

    fn target(&self) -> ControlScope {
        self.scope.clone()
    }

    async fn execute(self, costs: Costs, cx: &ControlCx) -> Result<Done<Piece>> {
        let plan = cx.pricing.plan(self.plan.as_deref())?;
        let asked = self.period.at(cx.now)?;
        let begin = self.after.unwrap_or(asked.from);
        if !asked.contains(begin) {
            return Err(Error::invalid("page_token", "this page token was not made by this list"));
        }
        // Before the first HSM and after the present there is nothing to tell of any day.
        let lives = cx.store.lifetimes();
        let first = lives.iter().filter_map(|life| life.phases.first()).map(|(at, _)| *at).min();
        let known = Period { from: first.unwrap_or(cx.now), to: cx.now };
        let mut piece = Piece { content: Vec::new(), next: None };
        let headings = self.after.is_none();
        if headings && self.format == FileFormat::Csv {
            piece.content = focus::csv(&[], true)?;
        }
        let rest = Period { from: begin, to: asked.to };
        let days = rest.days().skip_while(|day| day.to <= known.from).take_while(|day| day.from < known.to);
        let mut month: Option<(Period, _)> = None;
        for day in days {
            if piece.content.len() >= PIECE {
                piece.next = Some(day.from);
                break;
            }
            let this = day.month();
            if month.as_ref().is_none_or(|(known, _)| *known != this) {
                month = Some((this, cx.store.facts(day)));
            }
            let Some((_, facts)) = &month else { continue };
            let statement = statement(facts, &cx.pricing.prices, plan, &costs.0, day, cx.now);
            let rows = Row::of(&statement, Some(&cx.subscription.name));
            piece.content.extend(match self.format {
                FileFormat::Csv => focus::csv(&rows, false)?,
                FileFormat::Json => focus::json_lines(&rows)?,
            });
        }
        Ok(Done::reply(piece))
    }
}

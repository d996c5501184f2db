//! Returns costs by the day with the columns of FOCUS, in pieces.

use std::sync::Arc;

use super::{Asked, Costs, check_length, compute};
use crate::focus::{self, Row};
use crate::model::billing::{CostScope, Period, Pricing, day_of, start_of_day, statement};
use crate::model::control_plane::{ControlAction, ControlScope};
use crate::model::entry::Meter;
use crate::model::{Error, Result, Timestamp};
use crate::ops::{ControlCx, Done, Operation};
use crate::store::Store;

/// How large a piece becomes before it ends with its day, in bytes.
const PIECE: usize = 1024 * 1024;
/// How many days a piece covers at most, however little there is to tell of them.
const DAYS: usize = 366;

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
        let asked = self.period.at(cx.now)?;
        check_length(asked, &cx.store, cx.now)?;
        let (store, pricing, now) = (cx.store.clone(), Arc::clone(&cx.pricing), cx.now);
        let name = cx.subscription.name.clone();
        let computed =
            compute("exports", move || self.piece(&store, &pricing, &costs.0, (asked, now), &name));
        Ok(Done::reply(computed.await?))
    }
}

impl ExportUsage {
    /// The lines of the days from where the piece begins, until it is long enough.
    fn piece(
        &self,
        store: &Store,
        pricing: &Pricing,
        scope: &CostScope,
        (asked, now): (Period, Timestamp),
        subscription: &str,
    ) -> Result<Piece> {
        let plan = pricing.plan(self.plan.as_deref())?;
        let begin = self.after.unwrap_or(asked.from);
        if !asked.contains(begin) {
            return Err(Error::invalid("page_token", "this page token was not made by this list"));
        }
        // Before the first HSM and after the present there is nothing to tell of any day.
        let lives = store.lifetimes();
        let first = lives.iter().filter_map(|life| life.phases.first()).map(|(at, _)| *at).min();
        let known = Period { from: first.unwrap_or(now), to: now };
        let mut piece = Piece { content: Vec::new(), next: None };
        let headings = self.after.is_none();
        if headings && self.format == FileFormat::Csv {
            piece.content = focus::csv(&[], true)?;
        }
        let rest = Period { from: begin, to: asked.to };
        let rest = Period { from: rest.from.max(start_of_day(day_of(known.from))), ..rest };
        let days = rest.days().take_while(|day| day.from < known.to);
        let mut month: Option<(Period, _)> = None;
        for (passed, day) in days.enumerate() {
            if piece.content.len() >= PIECE || passed >= DAYS {
                piece.next = Some(day.from);
                break;
            }
            let this = day.month();
            if month.as_ref().is_none_or(|(known, _)| *known != this) {
                month = Some((this, store.facts(day)));
            }
            let Some((_, facts)) = &month else { continue };
            let statement = statement(facts, &pricing.prices, plan, scope, day, now);
            let rows = Row::of(&statement, Some(subscription));
            piece.content.extend(match self.format {
                FileFormat::Csv => focus::csv(&rows, false)?,
                FileFormat::Json => focus::json_lines(&rows)?,
            });
        }
        Ok(piece)
    }
}

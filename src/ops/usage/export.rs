//! Exports costs per day with the columns of FOCUS, in chunks.

use std::sync::Arc;

use super::{CostTarget, RequestedPeriod, check_length, compute};
use crate::focus::{self, Row};
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::billing::{CostScope, Period, Pricing, day_of, start_of_day, statement};
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{ControlCx, Done, Operation};
use crate::store::Store;

/// The size in bytes at which a chunk ends, after the current day.
const CHUNK_SIZE: usize = 1024 * 1024;
/// The maximum number of days in a chunk.
const MAX_DAYS: usize = 366;

/// Exports a chunk of the costs of a scope in a period.
#[derive(Clone, Debug)]
pub struct ExportUsage {
    /// The scope of the costs.
    pub scope: ControlScope,
    /// The period.
    pub period: RequestedPeriod,
    /// The price plan; `None` for the configured one.
    pub plan: Option<String>,
    /// The file format.
    pub format: FileFormat,
    /// The start of the chunk; `None` for the first chunk.
    pub after: Option<Timestamp>,
}

/// The format of an export.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileFormat {
    /// Comma-separated values with a header line.
    Csv,
    /// JSON lines, one object per line.
    Json,
}

/// A chunk of the file, of complete lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExportChunk {
    /// The bytes.
    pub content: Vec<u8>,
    /// The start of the next chunk; `None` after the last.
    pub next: Option<Timestamp>,
}

impl Operation for ExportUsage {
    const NAME: &'static str = "ExportUsage";
    const EVENT: &'static str = "UsageExport";
    const ACTION: ControlAction = ControlAction::UsageRead;
    const METER: Meter = Meter::Free;
    type Target = CostTarget;
    type Reply = ExportChunk;

    fn target(&self) -> ControlScope {
        self.scope.clone()
    }

    async fn execute(self, costs: CostTarget, cx: &ControlCx) -> Result<Done<ExportChunk>> {
        let period = self.period.at(cx.now)?;
        check_length(period, &cx.store, cx.now)?;
        let (store, pricing, now) = (cx.store.clone(), Arc::clone(&cx.pricing), cx.now);
        let name = cx.subscription.name.clone();
        let computed =
            compute("exports", move || self.piece(&store, &pricing, &costs.0, (period, now), &name));
        Ok(Done::reply(computed.await?))
    }
}

impl ExportUsage {
    /// Renders the lines of the days from the start of the chunk, up to its maximum size.
    fn piece(
        &self,
        store: &Store,
        pricing: &Pricing,
        scope: &CostScope,
        (period, now): (Period, Timestamp),
        subscription: &str,
    ) -> Result<ExportChunk> {
        let plans = pricing.plans(self.plan.as_deref())?;
        let begin = self.after.unwrap_or(period.from);
        if !period.contains(begin) {
            return Err(Error::invalid(Field::PageToken, "this page token was not made by this list"));
        }
        // There are no costs before the first container and after the present.
        let lives = store.lifetimes();
        let first = lives.iter().filter_map(|life| life.phases.first()).map(|(at, _)| *at).min();
        let known = Period { from: first.unwrap_or(now), to: now };
        let mut piece = ExportChunk { content: Vec::new(), next: None };
        let headings = self.after.is_none();
        if headings && self.format == FileFormat::Csv {
            piece.content = focus::csv(&[], true)?;
        }
        let rest = Period { from: begin, to: period.to };
        let rest = Period { from: rest.from.max(start_of_day(day_of(known.from))), ..rest };
        let days = rest.days().take_while(|day| day.from < known.to);
        let mut month: Option<(Period, _)> = None;
        for (passed, day) in days.enumerate() {
            if piece.content.len() >= CHUNK_SIZE || passed >= MAX_DAYS {
                piece.next = Some(day.from);
                break;
            }
            let this = day.month();
            if month.as_ref().is_none_or(|(known, _)| *known != this) {
                month = Some((this, store.facts(day)));
            }
            let Some((_, facts)) = &month else { continue };
            let statement = statement(facts, &pricing.prices, plans, scope, day, now);
            let rows = Row::from_statement(&statement, Some(subscription));
            piece.content.extend(match self.format {
                FileFormat::Csv => focus::csv(&rows, false)?,
                FileFormat::Json => focus::json_lines(&rows)?,
            });
        }
        Ok(piece)
    }
}

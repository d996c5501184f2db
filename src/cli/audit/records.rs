//! `strongroom audit list` and `strongroom audit tail`: records of a running service.

use clap::Args;
use serde::Serialize;
use tonic::Code;

use crate::api::grpc::pb;
use crate::cli::control::ScopeArgs;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::{TableRow, note};
use crate::cli::plane::Plane;
use crate::cli::{Context, time_argument};
use crate::model::Timestamp;

/// Selects records.
#[derive(Args, Clone, Debug)]
struct FilterArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    /// Only this operation, for example KeySign
    #[arg(long, value_name = "NAME", default_value_t, hide_default_value = true)]
    operation: String,
    /// Only calls of this principal: its object id, application or user name
    #[arg(long, value_name = "PRINCIPAL", default_value_t, hide_default_value = true)]
    principal: String,
    /// Only this result: Success, Failure, or the reason of a failure
    #[arg(long, value_name = "RESULT", default_value_t, hide_default_value = true)]
    result: String,
    /// Only records whose target contains this text, for example keys/invoices
    #[arg(long, value_name = "TEXT", default_value_t, hide_default_value = true)]
    target: String,
}

/// The records to list.
#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Start of the period
    #[arg(long, value_parser = time_argument::parse, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Exclusive end of the period
    #[arg(long, value_parser = time_argument::parse, value_name = "TIME")]
    to: Option<Timestamp>,
    /// The maximum number of records
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..), value_name = "NUMBER")]
    limit: u32,
}

/// The records to follow.
#[derive(Args, Clone, Debug)]
pub struct TailArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Stop after this number of records
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..), value_name = "NUMBER")]
    count: Option<u64>,
}

#[derive(Serialize)]
struct View {
    sequence_number: u64,
    time: Option<Timestamp>,
    operation: String,
    success: bool,
    result: String,
    http_status: u32,
    principal_id: String,
    application: String,
    user: String,
    address: String,
    client: String,
    request: String,
    correlation_id: String,
    target: String,
    container: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_items: Option<u64>,
}

impl From<pb::AuditRecord> for View {
    fn from(record: pb::AuditRecord) -> Self {
        Self {
            sequence_number: record.sequence_number,
            time: time_argument::from_wire(record.time),
            operation: record.operation,
            success: record.success,
            result: record.result,
            http_status: record.http_status,
            principal_id: record.principal_id,
            application: record.application,
            user: record.user,
            address: record.address,
            client: record.client,
            request: record.request,
            correlation_id: record.correlation_id,
            target: record.target,
            container: record.container,
            items: record.items,
            failed_items: record.failed_items,
        }
    }
}

impl View {
    fn caller(&self) -> &str {
        let names = [&self.user, &self.principal_id, &self.client];
        names.into_iter().find(|name| !name.is_empty()).map_or("", String::as_str)
    }

    fn text(&self) -> String {
        format!(
            "{:>8}  {}  {:<24}  {:<20}  {}  {}",
            self.sequence_number,
            time_argument::format(self.time),
            self.operation,
            self.result,
            self.target,
            self.caller()
        )
    }
}

impl TableRow for View {
    const HEADINGS: &'static [&'static str] = &["NUMBER", "TIME", "OPERATION", "RESULT", "TARGET", "CALLER"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.sequence_number.to_string(),
            time_argument::format(self.time),
            self.operation.clone(),
            self.result.clone(),
            self.target.clone(),
            self.caller().to_owned(),
        ]
    }
}

/// Lists records, newest first. Reads on where a page ends because the service has read as much as it does in one call.
pub(super) async fn list(context: &Context, args: ListArgs) -> Outcome {
    let session = context.connect_control().await?;
    let mut client = session.audit();
    let ListArgs { filter, from, to, limit } = args;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut request = pb::ListAuditRecordsRequest {
        parent: filter.scope.parent(&session)?,
        operation: filter.operation,
        principal: filter.principal,
        result: filter.result,
        target: filter.target,
        from: from.map(time_argument::to_wire),
        to: to.map(time_argument::to_wire),
        page_size: i32::try_from(limit.min(1000)).unwrap_or(1000),
        page_token: String::new(),
    };
    let mut rows: Vec<View> = Vec::new();
    let mut broken = None;
    loop {
        let page = client.list_audit_records(request.clone()).await?.into_inner();
        rows.extend(page.records.into_iter().map(View::from));
        broken = broken.or(page.log.and_then(|log| log.broken_at));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() || rows.len() >= most {
            break;
        }
    }
    rows.truncate(most);
    if let Some(number) = broken {
        note(&format!("the link of record {number} is wrong; check the log with: strongroom audit verify"));
    }
    context.output.print_list(&rows, "there are no records that match")
}

/// Prints records as they are written, until a number of them was printed or the server ends the stream.
pub(super) async fn tail(context: &Context, args: TailArgs) -> Outcome {
    let TailArgs { filter, count: mut left } = args;
    let mut token = String::new();
    loop {
        let session = context.connect_control().await?;
        let request = pb::WatchAuditRecordsRequest {
            parent: filter.scope.parent(&session)?,
            operation: filter.operation.clone(),
            principal: filter.principal.clone(),
            result: filter.result.clone(),
            target: filter.target.clone(),
            resume_token: token.clone(),
            until_now: false,
        };
        let mut stream = session.audit().watch_audit_records(request).await?.into_inner();
        loop {
            let batch = match stream.message().await {
                Ok(Some(batch)) => batch,
                Ok(None) => return Ok(()),
                // The stream may outlive its access token: continue with a new one unless a fixed one was given.
                Err(status)
                    if status.code() == Code::Unauthenticated
                        && context.options.access_token(Plane::Control).is_none() =>
                {
                    break;
                }
                Err(status) => return Err(Failure::from(status)),
            };
            for record in batch.records {
                let view = View::from(record);
                context.output.print_line(&view, || view.text())?;
                left = left.map(|left| left - 1);
                if left == Some(0) {
                    return Ok(());
                }
            }
            token = batch.resume_token;
        }
    }
}

//! `strongroom usage list`

use serde::Serialize;

use super::PeriodArgs;
use crate::api::grpc::pb;
use crate::cli::failure::Outcome;
use crate::cli::output::TableRow;
use crate::cli::{Context, time_argument};
use crate::model::Timestamp;

#[derive(Serialize)]
struct View {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    resource: String,
    meter: String,
    class: String,
    event: String,
    count: u64,
}

impl From<pb::UsageRecord> for View {
    fn from(record: pb::UsageRecord) -> Self {
        Self {
            from: time_argument::from_wire(record.from),
            to: time_argument::from_wire(record.to),
            resource: record.resource,
            meter: record.meter,
            class: record.class,
            event: record.event,
            count: record.count,
        }
    }
}

impl TableRow for View {
    const HEADINGS: &'static [&'static str] = &["FROM", "TO", "METER", "CLASS", "EVENT", "COUNT", "RESOURCE"];

    fn cells(&self) -> Vec<String> {
        vec![
            time_argument::format(self.from),
            time_argument::format(self.to),
            self.meter.clone(),
            self.class.clone(),
            self.event.clone(),
            self.count.to_string(),
            self.resource.clone(),
        ]
    }
}

/// Fetches all pages and prints the records.
pub(super) async fn run(context: &Context, args: PeriodArgs) -> Outcome {
    let session = context.connect_control().await?;
    let mut request = pb::ListUsageRequest {
        parent: args.parent(context, &session)?,
        from: args.from.map(time_argument::to_wire),
        to: args.to.map(time_argument::to_wire),
        page_size: 1000,
        page_token: String::new(),
    };
    let mut rows: Vec<View> = Vec::new();
    loop {
        let reply = session.usage().list_usage(request.clone()).await?.into_inner();
        rows.extend(reply.records.into_iter().map(View::from));
        request.page_token = reply.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    context.output.print_list(&rows, "no usage in this period")
}

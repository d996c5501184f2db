//! `strongroom usage export`

use clap::{Args, ValueEnum};

use super::PeriodArgs;
use crate::api::grpc::pb;
use crate::cli::failure::Outcome;
use crate::cli::output::RawOutput;
use crate::cli::{Context, time_argument};

/// The period, the format and the destination.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    #[command(flatten)]
    period: PeriodArgs,
    /// Format of the file
    #[arg(long, value_enum, default_value_t = FileFormat::Csv)]
    format: FileFormat,
    /// File to write, replaced if it exists, or - for standard output
    #[arg(long, default_value = "-", value_name = "FILE")]
    file: std::ffi::OsString,
    /// Plan of the price list to use instead of the configured one
    #[arg(long, value_name = "NAME")]
    plan: Option<String>,
}

/// The file formats.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum FileFormat {
    /// Comma-separated values with a header line
    Csv,
    /// JSON Lines: one object per line
    Json,
}

/// Fetches all pages before it writes the file, so that a failed export leaves no partial file.
pub(super) async fn run(context: &Context, args: ExportArgs) -> Outcome {
    let session = context.connect_control().await?;
    let format = match args.format {
        FileFormat::Csv => "csv",
        FileFormat::Json => "json",
    };
    let mut request = pb::ExportUsageRequest {
        parent: args.period.parent(context, &session)?,
        from: args.period.from.map(time_argument::to_wire),
        to: args.period.to.map(time_argument::to_wire),
        plan: args.plan.unwrap_or_default(),
        format: format.to_owned(),
        page_token: String::new(),
    };
    let mut file = Vec::new();
    let mut client = session.usage().max_decoding_message_size(usize::MAX);
    loop {
        let page = client.export_usage(request.clone()).await?.into_inner();
        file.extend(page.content);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    RawOutput::from(args.file).write(&file)
}

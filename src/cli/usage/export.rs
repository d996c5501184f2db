//! `strongroom usage export`

use clap::{Args, ValueEnum};

use super::PeriodArgs;
use crate::api::grpc::pb;
use crate::cli::failure::Outcome;
use crate::cli::output::RawOutput;
use crate::cli::{Context, when};

/// As what, and where to.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    #[command(flatten)]
    period: PeriodArgs,
    /// The format of the file
    #[arg(long, value_enum, default_value_t = FileFormat::Csv)]
    format: FileFormat,
    /// The file, replaced if it exists; - for standard output
    #[arg(long, default_value = "-", value_name = "FILE")]
    file: std::ffi::OsString,
    /// By another plan of the price list than the configured one
    #[arg(long, value_name = "NAME")]
    plan: Option<String>,
}

/// What can be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum FileFormat {
    /// Comma-separated values with a line of headings
    Csv,
    /// JSON, one object a line
    Json,
}

/// Asks for all pieces, then writes them: a file is whole or not there.
pub(super) async fn run(context: &Context, args: ExportArgs) -> Outcome {
    let session = context.connect_control().await?;
    let format = match args.format {
        FileFormat::Csv => "csv",
        FileFormat::Json => "json",
    };
    let mut request = pb::ExportUsageRequest {
        parent: args.period.parent(context, &session)?,
        from: args.period.from.map(when::to_wire),
        to: args.period.to.map(when::to_wire),
        plan: args.plan.unwrap_or_default(),
        format: format.to_owned(),
        page_token: String::new(),
    };
    let mut file = Vec::new();
    let mut client = session.usage().max_decoding_message_size(usize::MAX);
    loop {
        let piece = client.export_usage(request.clone()).await?.into_inner();
        file.extend(piece.content);
        request.page_token = piece.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    RawOutput::from(args.file).write(&file)
}

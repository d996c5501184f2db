//! Requests and names that several tests of usage share.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use strongroom::api::grpc::pb;

use crate::support::{Client, Server};

/// Returns the resource name of the seed's subscription.
pub(crate) fn subscription(server: &Server) -> String {
    format!("subscriptions/{}", server.connection().subscription_id)
}

/// Returns the resource name of an HSM in the seed's resource group.
pub(crate) fn managed_hsm(server: &Server, name: &str) -> String {
    format!("{}/resourceGroups/dev/managedHsms/{name}", subscription(server))
}

/// Returns the resource name of a vault in the seed's resource group.
pub(crate) fn vault(server: &Server, name: &str) -> String {
    format!("{}/resourceGroups/dev/vaults/{name}", subscription(server))
}

/// Returns the first instant of a day, UTC.
pub(crate) fn midnight(day: &str) -> Option<prost_types::Timestamp> {
    let zoned = day.parse::<Date>().unwrap().to_zoned(TimeZone::UTC).unwrap();
    Some(prost_types::Timestamp { seconds: zoned.timestamp().as_second(), nanos: 0 })
}

/// Freezes the clock and sets it to the first instant of a day.
pub(crate) async fn freeze_clock_at(client: &mut Client, day: &str) {
    client.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap();
    let target = midnight(day).map(pb::advance_clock_request::Target::To);
    client.clock.advance_clock(pb::AdvanceClockRequest { target, force: true }).await.unwrap();
}

/// Returns a request for the statement of a period.
pub(crate) fn statement(parent: &str, from: &str, to: &str, plan: &str) -> pb::GetStatementRequest {
    pb::GetStatementRequest {
        parent: parent.to_owned(),
        from: midnight(from),
        to: midnight(to),
        plan: plan.to_owned(),
    }
}

/// Returns the statement line of a meter and a class. Panics if there is none.
#[track_caller]
pub(crate) fn line<'a>(statement: &'a pb::Statement, meter: &str, class: &str) -> &'a pb::StatementLine {
    let mut lines = statement.lines.iter();
    let found = lines.find(|line| line.meter == meter && line.class == class);
    found.unwrap_or_else(|| panic!("no line of {meter} {class}: {statement:#?}"))
}

//! Computing the statement of the costs of a period.

use prost::Message as _;
use strongroom::api::grpc::pb;
use tonic::Code;

use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, guid, metadata, sign,
};
use crate::support::{Server, ec, error_metadata};
use crate::usage::{freeze_clock_at, line, midnight, statement, subscription};

#[tokio::test]
async fn statement_of_a_past_month_never_changes() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    freeze_clock_at(&mut dev, "2050-01-10").await;
    dev.create(ec("sample", "P-256")).await.unwrap();
    for _ in 0..3 {
        sign(&mut dev, "sample").await.unwrap();
    }
    freeze_clock_at(&mut dev, "2050-02-10").await;
    let request = statement(&subscription(&server), "2050-01-01", "2050-02-01", "");
    let answer = dev.usage.get_statement(request.clone()).await;
    let scope = format!("/{}", subscription(&server));
    assert_audited(&server, metadata(&answer), "CostQuery", "OK", &scope);
    let bill = answer.unwrap().into_inner();
    assert_eq!((bill.parent.as_str(), bill.currency.as_str()), (&*subscription(&server), "USD"));
    assert_eq!((bill.to, bill.until), (midnight("2050-02-01"), midnight("2050-02-01")));
    let hours = line(&bill, "pool-hours", "Standard_B1");
    assert_eq!((hours.quantity.as_str(), hours.amount.as_str()), ("744", "2380.8"));
    assert_eq!((hours.resource.as_str(), hours.state.as_str()), ("hsms/local", "running"));
    assert!(hours.assumed_price && hours.why.contains("is an assumption"), "{hours:?}");
    // Metered, but free: three signatures and one key creation.
    let signed = line(&bill, "operations", "advanced");
    assert_eq!((signed.quantity.as_str(), signed.amount.as_str(), signed.tier), ("3", "0", 0));
    assert_eq!(line(&bill, "operations", "management").quantity, "1");
    assert_eq!((bill.total.as_str(), bill.soft_deleted.as_str()), ("2380.8", "0"));

    sign(&mut dev, "sample").await.unwrap();
    server.restart();
    let mut again = server.client("reader").await;
    let later = again.usage.get_statement(request).await.unwrap().into_inner();
    assert_eq!(later.encode_to_vec(), bill.encode_to_vec());
}

#[tokio::test]
async fn daily_totals_sum_to_the_period_total() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("sample", "P-256")).await.unwrap();
    sign(&mut dev, "sample").await.unwrap();
    // The simulator was not created at midnight: its first day is a partial one.
    let now = dev.clock.get_clock(pb::GetClockRequest {}).await.unwrap().into_inner().now.unwrap();
    let day = |days: i64| {
        let midnight = now.seconds - now.seconds.rem_euclid(86_400) + days * 86_400;
        Some(prost_types::Timestamp { seconds: midnight, nanos: 0 })
    };
    let to = day(40).map(pb::advance_clock_request::Target::To);
    dev.clock.advance_clock(pb::AdvanceClockRequest { target: to, ..Default::default() }).await.unwrap();
    for plan in ["managed-hsm", "vault-premium"] {
        let mut ask = async |from, to| {
            let request =
                pb::GetStatementRequest { parent: subscription(&server), from, to, plan: plan.into() };
            dev.usage.get_statement(request).await.unwrap().into_inner()
        };
        let whole = ask(day(0), day(40)).await;
        let mut sum = rust_decimal::Decimal::ZERO;
        for days in 0..40 {
            let total = ask(day(days), day(days + 1)).await.total;
            sum += rust_decimal::Decimal::from_str_exact(&total).unwrap();
        }
        assert_eq!(sum.normalize().to_string(), whole.total, "{plan}");
        assert_ne!(whole.total, "0");
    }
}

#[tokio::test]
async fn purged_key_is_charged_for_thirty_days_after_last_use() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    freeze_clock_at(&mut dev, "2050-01-20").await;
    dev.create(ec("sample", "P-256")).await.unwrap();
    sign(&mut dev, "sample").await.unwrap();
    let name = "hsms/local/keys/sample".to_owned();
    dev.keys.delete_key(pb::DeleteKeyRequest { name }).await.unwrap();
    let name = "hsms/local/deletedKeys/sample".to_owned();
    dev.keys.purge_deleted_key(pb::PurgeDeletedKeyRequest { name }).await.unwrap();
    freeze_clock_at(&mut dev, "2050-04-01").await;
    let mut ask = async |from: &str, to: &str| {
        let request = statement(&subscription(&server), from, to, "vault-premium");
        dev.usage.get_statement(request).await.unwrap().into_inner()
    };
    // Last used on January 20, the key is metered until February 18, although it is purged.
    let january = ask("2050-01-01", "2050-02-01").await;
    let key = line(&january, "key-versions", "advanced");
    assert_eq!((key.resource.as_str(), key.amount.as_str()), ("hsms/local/keys/sample", "5"));
    assert_eq!(line(&january, "operations", "management").unit_quantity, 10_000);
    assert_eq!(line(&ask("2050-02-01", "2050-03-01").await, "key-versions", "advanced").amount, "5");
    assert!(ask("2050-03-01", "2050-04-01").await.lines.iter().all(|line| line.meter != "key-versions"));
    assert_eq!(ask("2050-02-02", "2050-03-01").await.total, "0", "the month is charged on its first day");
}

#[tokio::test]
async fn requires_cost_query_permission() {
    let server = Server::start();
    let ask = statement(&subscription(&server), "2050-01-01", "2050-02-01", "");
    for name in ["administrator", "crypto-user", "contributor", "nobody"] {
        let mut caller = server.client(name).await;
        let status = assert_not_granted(caller.usage.get_statement(ask.clone()).await);
        assert_eq!(error_metadata(&status, "action"), "Microsoft.CostManagement/query/read");
        assert_eq!(error_metadata(&status, "scope"), format!("/{}", subscription(&server)));
    }
}

#[tokio::test]
async fn rejects_invalid_periods_plans_and_scopes() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    assert_bad_parameter(
        owner.usage.get_statement(statement(&subscription(&server), "2050-02-01", "2050-01-01", "")).await,
        "to",
    );
    assert_bad_parameter(
        owner.usage.get_statement(statement(&subscription(&server), "2050-02-01", "2050-02-01", "")).await,
        "to",
    );
    let good = statement(&subscription(&server), "2050-01-01", "2050-02-01", "");
    let plan = pb::GetStatementRequest { plan: "free".to_owned(), ..good.clone() };
    assert_bad_parameter(owner.usage.get_statement(plan).await, "plan");
    for tail in ["/resourceGroups", "/resourceGroups/a.", "/resourceGroups/dev/managedHsms/l", "/x/y/z/local"]
    {
        let parent = format!("{}{tail}", subscription(&server));
        assert_bad_parameter(
            owner.usage.get_statement(pb::GetStatementRequest { parent, ..good.clone() }).await,
            "parent",
        );
    }
    let parent = format!("{}/resourceGroups/dev/managedHsms/elsewhere", subscription(&server));
    let missing = pb::GetStatementRequest { parent, ..good.clone() };
    assert_grpc_error(owner.usage.get_statement(missing).await, Code::NotFound, "HSM_NOT_FOUND");
    let parent = format!("subscriptions/{}", guid(1));
    let missing = pb::GetStatementRequest { parent, ..good };
    assert_grpc_error(owner.usage.get_statement(missing).await, Code::NotFound, "SUBSCRIPTION_NOT_FOUND");
}

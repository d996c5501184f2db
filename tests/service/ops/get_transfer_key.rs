//! The transfer key of an HSM that is not activated.

use tonic::Code;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::calls::refusal;
use crate::security_domains::{create, transfer_key};
use crate::support::Server;

#[tokio::test]
async fn certificate_is_signed_by_the_key_in_the_token() {
    let mut server = Server::start();
    create(&server, "payroll").await;
    let mut administrator = server.client("administrator").await;
    let certificate = transfer_key(&mut administrator, "payroll").await.unwrap();
    let (_, parsed) = X509Certificate::from_der(certificate.der()).unwrap();
    assert_eq!(parsed.subject().to_string(), "CN=payroll.managedhsm.azure.net");
    parsed.verify_signature(None).unwrap();
    let usage = parsed.key_usage().unwrap().unwrap().value;
    assert!(usage.key_encipherment() && !usage.digital_signature());
    let days = (parsed.validity().not_after.timestamp() - parsed.validity().not_before.timestamp()) / 86_400;
    assert_eq!(days, 365);
    // It is the same until it is used, also after a restart.
    server.restart();
    let mut administrator = server.client("administrator").await;
    assert_eq!(transfer_key(&mut administrator, "payroll").await.unwrap(), certificate);
}

#[tokio::test]
async fn active_hsm_has_none() {
    let server = Server::start();
    let mut administrator = server.client("administrator").await;
    let refused = refusal(transfer_key(&mut administrator, "local").await);
    assert_eq!(refused, (Code::FailedPrecondition, "HSM_ALREADY_ACTIVATED".to_owned()));
}

//! The status of a download. Its values are tested with the download.

use strongroom::api::grpc::pb;

use crate::roles::support::{assert_bad_parameter, assert_not_granted};
use crate::support::Server;

#[tokio::test]
async fn requires_its_own_action_and_an_hsm() {
    let server = Server::start();
    let request = |name: &str| pb::GetSecurityDomainDownloadRequest { name: name.to_owned() };
    let mut user = server.client("crypto-user").await;
    assert_not_granted(user.security_domains.get_security_domain_download(request("hsms/local")).await);
    let mut administrator = server.client("administrator").await;
    let status = administrator.security_domains.get_security_domain_download(request("hsms/local")).await;
    assert_eq!(status.unwrap().into_inner().status, "Success");
    let malformed = administrator.security_domains.get_security_domain_download(request("local")).await;
    assert_bad_parameter(malformed, "name");
}

//! Reading a certificate.

use tonic::Code;

use strongroom::api::grpc::pb;

use crate::certificates::{
    certificate, create, delete, enable_request, get, get_policy, issue, recover, start,
    start_with_permissions, unknown, version,
};
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_grpc_error, metadata};
use crate::secrets::assert_not_permitted;

#[tokio::test]
async fn returns_the_current_version_or_a_named_one() {
    let (server, mut dev) = start().await;
    let one = issue(&mut dev, "web").await;
    let two = issue(&mut dev, "web").await;
    let answer =
        dev.certificates.get_certificate(pb::GetCertificateRequest { name: certificate("web") }).await;
    assert_audited(&server, metadata(&answer), "CertificateGet", "OK", "vaults/sample/certificates/web");
    assert_eq!(answer.unwrap().into_inner(), two);
    assert_eq!(get(&mut dev, &certificate("WeB")).await.unwrap(), two);
    let found = get(&mut dev, &one.name.replace("web", "WEB")).await.unwrap();
    // The policy is that of the certificate, not of the version.
    assert_eq!(found.policy, Some(get_policy(&mut dev, "web").await.unwrap()));
    assert_eq!((found.name, found.certificate), (one.name, one.certificate));
}

#[tokio::test]
async fn disabled_and_unissued_versions_can_be_read() {
    let (_server, mut dev) = start().await;
    let made = issue(&mut dev, "web").await;
    dev.certificates.update_certificate_version(enable_request(&made.name, false)).await.unwrap();
    let found = get(&mut dev, &made.name).await.unwrap();
    assert_eq!((found.enabled, found.certificate), (false, made.certificate));
    create(&mut dev, "pending", unknown()).await.unwrap();
    let unissued = get(&mut dev, &certificate("pending")).await.unwrap();
    assert_eq!(unissued.operation, format!("{}/pending", certificate("pending")));
    assert!(unissued.certificate.is_empty() && !unissued.enabled && unissued.policy.is_some());
    assert_eq!(get(&mut dev, &unissued.name).await.unwrap(), unissued);
}

#[tokio::test]
async fn rejects_invalid_and_unknown_names() {
    let (_server, mut dev) = start().await;
    let made = issue(&mut dev, "web").await;
    let other = issue(&mut dev, "other").await;
    let unknown = [
        certificate("nothing"),
        format!("{}/versions/{}", certificate("web"), "0".repeat(32)),
        // A version of another certificate.
        format!("{}/versions/{}", certificate("web"), version(&other.name)),
    ];
    for name in unknown {
        assert_grpc_error(get(&mut dev, &name).await, Code::NotFound, "CERTIFICATE_NOT_FOUND");
    }
    assert_grpc_error(
        get(&mut dev, "vaults/nothing/certificates/a").await,
        Code::NotFound,
        "VAULT_NOT_FOUND",
    );
    for name in ["", "web", "vaults/sample/certificates", "vaults/sample/secrets/web"] {
        assert_bad_parameter(get(&mut dev, name).await, "name");
    }
    assert_bad_parameter(get(&mut dev, &format!("{}/versions/latest", certificate("web"))).await, "name");
    delete(&mut dev, "web").await.unwrap();
    for name in [&certificate("web"), &made.name] {
        assert_grpc_error(get(&mut dev, name).await, Code::NotFound, "CERTIFICATE_NOT_FOUND");
    }
    recover(&mut dev, "web").await.unwrap();
    assert_eq!(get(&mut dev, &made.name).await.unwrap(), made);
}

#[tokio::test]
async fn requires_permission() {
    let (server, [mut dev, mut user, mut reader]) = start_with_permissions(&["get"]).await;
    issue(&mut dev, "web").await;
    for name in ["web", "nothing"] {
        assert_not_permitted(get(&mut reader, &certificate(name)).await);
    }
    get(&mut user, &certificate("web")).await.unwrap();
    // It does not permit to read the private key.
    assert_not_permitted(crate::secrets::get(&mut user, "vaults/sample/secrets/web").await);
    assert_not_permitted(get(&mut server.client("owner").await, &certificate("web")).await);
}

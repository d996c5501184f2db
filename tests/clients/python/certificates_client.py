"""Tests azure-keyvault-certificates, synchronous and asynchronous: certificates of a vault, with their keys and secrets."""

import asyncio
import base64
import datetime
import os

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.keyvault.certificates import (
    AdministratorContact,
    CertificateContact,
    CertificateContentType,
    CertificatePolicy,
    KeyCurveName,
    KeyType,
    WellKnownIssuerNames,
)
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import NameOID
from flavours import certificate_client, created, credential, delete, key_client, listed, play, principal, recover, refused, secret_client

VAULT = os.environ["AZURE_VAULT_URL"]


def policy(**changes):
    return CertificatePolicy(**{"issuer_name": WellKnownIssuerNames.self, "subject": "CN=web.example"} | changes)


async def self_signed():
    made = await created(CERTIFICATES, "web", policy(san_dns_names=["web.example"], validity_in_months=6))
    parsed = x509.load_der_x509_certificate(bytes(made.cer))
    parsed.public_key().verify(parsed.signature, parsed.tbs_certificate_bytes, padding.PKCS1v15(), SHA256())
    assert parsed.subject == parsed.issuer and parsed.subject.rfc4514_string() == "CN=web.example"
    names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["web.example"]
    assert made.properties.expires_on == parsed.not_valid_after_utc
    assert made.properties.created_on - made.properties.not_before == datetime.timedelta(minutes=10)
    version = made.properties.version
    assert (made.key_id, made.secret_id) == (f"{VAULT}/keys/web/{version}", f"{VAULT}/secrets/web/{version}")
    # The companion secret holds certificate and private key, without password.
    secret = await SECRETS.get_secret("web", version)
    assert (secret.properties.content_type, secret.properties.managed) == ("application/x-pkcs12", True)
    private, certificate, _ = pkcs12.load_key_and_certificates(base64.b64decode(secret.value), None)
    assert certificate == parsed and private.public_key() == parsed.public_key()
    key = await KEYS.get_key("web", version)
    assert key.properties.managed and int.from_bytes(key.key.n, "big") == parsed.public_key().public_numbers().n
    await refused(HttpResponseError, delete(SECRETS, "web", "secret"), "ManagedByKeyVault")
    await refused(HttpResponseError, delete(KEYS, "web"), "ManagedByKeyVault")


async def keys_and_formats():
    pem = policy(key_type=KeyType.ec, key_curve_name=KeyCurveName.p_256, content_type=CertificateContentType.pem)
    made = await created(CERTIFICATES, "pem", pem)
    value = (await SECRETS.get_secret("pem")).value
    private = load_pem_private_key(value.encode(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    assert x509.load_pem_x509_certificate(value[value.index("-----BEGIN CERT") :].encode()).public_key() == private.public_key()
    # A key that is not exportable stays in the token.
    hard = policy(key_type=KeyType.rsa_hsm, exportable=False, content_type=CertificateContentType.pem)
    await created(CERTIFICATES, "hard", hard)
    assert "PRIVATE KEY" not in (await SECRETS.get_secret("hard")).value
    assert (await KEYS.get_key("hard")).key_type == "RSA-HSM"
    assert made.policy.key_type == KeyType.ec and made.policy.content_type == CertificateContentType.pem


async def requests_and_merges():
    """An external authority signs the request of a certificate whose issuer is unknown to the vault."""
    operation = await created(CERTIFICATES, "external", policy(issuer_name=WellKnownIssuerNames.unknown))
    assert operation.status.lower() == "inprogress", operation
    operation = await CERTIFICATES.get_certificate_operation("external")
    request = x509.load_der_x509_csr(bytes(operation.csr))
    assert request.is_signature_valid
    authority = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
    now = datetime.datetime.now(datetime.timezone.utc)
    signed = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(name)
        .public_key(request.public_key())
        .serial_number(7)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=30))
        .sign(authority, SHA256())
    )
    merged = await CERTIFICATES.merge_certificate("external", [signed.public_bytes(Encoding.DER)])
    assert bytes(merged.cer) == signed.public_bytes(Encoding.DER)
    assert (await CERTIFICATES.get_certificate("external")).id == merged.id


async def imports():
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "imported")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(8)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=30))
        .sign(private, SHA256())
    )
    pfx = pkcs12.serialize_key_and_certificates(b"x", private, certificate, None, BestAvailableEncryption(b"password"))
    made = await CERTIFICATES.import_certificate("pfx", pfx, password="password")
    assert bytes(made.cer) == certificate.public_bytes(Encoding.DER)
    await refused(HttpResponseError, CERTIFICATES.import_certificate("pfx", pfx, password="wrong"), "BadParameter")
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    await CERTIFICATES.import_certificate("imported-pem", pem, policy=CertificatePolicy(issuer_name="Self", content_type="application/x-pem-file"))
    secret = (await SECRETS.get_secret("imported-pem")).value
    loaded = load_pem_private_key(secret.encode(), None)
    der = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert loaded.public_key().public_bytes(*der) == private.public_key().public_bytes(*der)


async def lists_and_updates():
    names = {item.name for item in await listed(CERTIFICATES.list_properties_of_certificates())}
    assert {"web", "pem", "hard", "external", "pfx", "imported-pem"} <= names, names
    await created(CERTIFICATES, "web", policy())
    versions = await listed(CERTIFICATES.list_properties_of_certificate_versions("web"))
    assert len(versions) == 2
    changed = await CERTIFICATES.update_certificate_properties("web", enabled=False, tags={"a": "b"})
    assert changed.properties.enabled is False and changed.properties.tags == {"a": "b"}
    await CERTIFICATES.update_certificate_properties("web", enabled=True)
    kept = await CERTIFICATES.get_certificate_policy("web")
    kept._validity_in_months = 3
    assert (await CERTIFICATES.update_certificate_policy("web", kept)).validity_in_months == 3


async def deletion():
    made = await CERTIFICATES.get_certificate("pem")
    deleted = await delete(CERTIFICATES, "pem", "certificate")
    assert (deleted.id, deleted.recovery_id) == (made.id, f"{VAULT}/deletedcertificates/pem")
    for call in (CERTIFICATES.get_certificate("pem"), SECRETS.get_secret("pem"), KEYS.get_key("pem")):
        await refused(ResourceNotFoundError, call)
    again = policy()
    await refused(ResourceExistsError, CERTIFICATES.begin_create_certificate("pem", again) if not hasattr(CERTIFICATES, "create_certificate") else CERTIFICATES.create_certificate("pem", again), "deleted but recoverable state")
    assert (await recover(CERTIFICATES, "pem", "certificate")).id == made.id
    assert (await SECRETS.get_secret("pem")).value
    await delete(CERTIFICATES, "pem", "certificate")
    await CERTIFICATES.purge_deleted_certificate("pem")
    await refused(ResourceNotFoundError, CERTIFICATES.get_deleted_certificate("pem"), "Deleted Certificate not found: pem")


async def contacts_and_issuers():
    await refused(ResourceNotFoundError, CERTIFICATES.get_contacts(), "ContactsNotFound")
    contacts = await CERTIFICATES.set_contacts([CertificateContact(email="admin@example.com", name="Admin")])
    assert [contact.email for contact in contacts] == ["admin@example.com"]
    assert [contact.email for contact in await CERTIFICATES.delete_contacts()] == ["admin@example.com"]
    administrators = [AdministratorContact(first_name="A", last_name="B", email="a@example.com", phone="1")]
    issuer = await CERTIFICATES.create_issuer("issuer", "Test", account_id="me", password="secret", admin_contacts=administrators)
    assert (issuer.name, issuer.provider, issuer.account_id) == ("issuer", "Test", "me")
    assert [item.name for item in await listed(CERTIFICATES.list_properties_of_issuers())] == ["issuer"]
    assert (await CERTIFICATES.update_issuer("issuer", enabled=False)).enabled is False
    await CERTIFICATES.delete_issuer("issuer")
    await refused(ResourceNotFoundError, CERTIFICATES.get_issuer("issuer"), "CertificateIssuerNotFound")


async def issued_by_the_test_issuer():
    """The client waits for the issuer; a failure and a cancellation end the operation."""
    for name, account in (("ca", "me"), ("broken", "fail"), ("slow", "delay=48h")):
        await CERTIFICATES.create_issuer(name, "Test", account_id=account)
    pem = policy(issuer_name="ca", key_type=KeyType.ec, content_type=CertificateContentType.pem, exportable=False)
    made = await created(CERTIFICATES, "issued", pem)
    leaf, authority = x509.load_pem_x509_certificates((await SECRETS.get_secret("issued")).value.encode())
    assert bytes(made.cer) == leaf.public_bytes(Encoding.DER)
    leaf.verify_directly_issued_by(authority)
    authority.verify_directly_issued_by(authority)
    failed = await created(CERTIFICATES, "refused", policy(issuer_name="broken"))
    assert (failed.status, failed.error.code) == ("failed", "Certificate issuer error")
    begun = CERTIFICATES.begin_create_certificate if hasattr(CERTIFICATES, "begin_create_certificate") else None
    if begun:
        await begun("cancelled", policy(issuer_name="slow"))
        cancelled = await CERTIFICATES.cancel_certificate_operation("cancelled")
        assert cancelled.cancellation_requested
        while (status := (await CERTIFICATES.get_certificate_operation("cancelled")).status) == "inProgress":
            await asyncio.sleep(0.05)
        assert status == "cancelled"


async def backups():
    made = await created(CERTIFICATES, "kept", policy(key_type=KeyType.ec))
    value = (await SECRETS.get_secret("kept")).value
    backup = await CERTIFICATES.backup_certificate("kept")
    await refused(ResourceExistsError, CERTIFICATES.restore_certificate_backup(backup), "conflict restoring the certificate")
    await delete(CERTIFICATES, "kept", "certificate")
    await CERTIFICATES.purge_deleted_certificate("kept")
    restored = await CERTIFICATES.restore_certificate_backup(backup)
    assert (restored.id, restored.cer, restored.policy.issuer_name) == (made.id, made.cer, made.policy.issuer_name)
    assert (await SECRETS.get_secret("kept")).value == value


async def refusals():
    user = certificate_client(VAULT, principal("USER"))
    await refused(HttpResponseError, user.get_certificate("web"), "Microsoft.KeyVault/vaults/certificates/read")


async def scenario():
    """Creates the clients: asynchronous ones must be created in the event loop that uses them."""
    global CERTIFICATES, KEYS, SECRETS
    who = credential()
    CERTIFICATES, SECRETS, KEYS = certificate_client(VAULT, who), secret_client(VAULT, who), key_client(who, VAULT)


play(
    scenario,
    self_signed,
    keys_and_formats,
    requests_and_merges,
    imports,
    lists_and_updates,
    deletion,
    contacts_and_issuers,
    issued_by_the_test_issuer,
    backups,
    refusals,
)

"""Tests azure-keyvault-securitydomain, synchronous and asynchronous: the security domain of one HSM is downloaded, and
uploaded into another one, which then restores the backup of a key."""

import base64
import datetime
import json
import os
import subprocess

from azure.core.exceptions import HttpResponseError
from azure.keyvault.securitydomain.models import CertificateInfo, SecurityDomain, SecurityDomainJsonWebKey
from azure.mgmt.keyvault.models import ManagedHsm, ManagedHsmProperties, ManagedHsmSku
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from flavours import (
    URL,
    access_control_client,
    credential,
    finished,
    key_client,
    listed,
    managed_hsms,
    play,
    principal,
    refused,
    security_domain_client,
)

OTHER = URL.replace("local.", "payroll.", 1)


def base64url(number):
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def holder(name):
    """Writes a private key and its certificate, and returns the certificate as a JSON Web Key."""
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem, none = serialization.Encoding.PEM, serialization.NoEncryption()
    with open(f"{name}.pem", "wb") as file:
        file.write(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, none))
    with open(f"{name}.cer", "wb") as file:
        file.write(certificate.public_bytes(pem))
    der = certificate.public_bytes(serialization.Encoding.DER)
    numbers = key.public_key().public_numbers()
    digest = base64.urlsafe_b64encode(certificate.fingerprint(hashes.SHA256())).rstrip(b"=").decode()
    return SecurityDomainJsonWebKey(
        kid=name,
        kty="RSA",
        key_ops=["verify", "encrypt", "wrapKey"],
        n=base64url(numbers.n),
        e=base64url(numbers.e),
        x5_c=[base64.b64encode(der).decode()],
        x5_t_s256=digest,
        alg="RSA-OAEP-256",
    )


async def download():
    holders = [holder(name) for name in "abc"]
    for required in (1, 4):
        wrong = DOMAIN.begin_download(CertificateInfo(certificates=holders, required=required))
        refusal = await refused(HttpResponseError, wrong)
        assert (refusal.status_code, refusal.error.code) == (400, "BadParameter"), refusal
    domain = await finished(DOMAIN.begin_download(CertificateInfo(certificates=holders, required=2)))
    shares = json.loads(domain.value)["SharedKeys"]
    assert (shares["required"], len(shares["enc_shares"])) == (2, 3)
    with open("domain.json", "w", encoding="utf-8") as file:
        file.write(domain.value)


async def backup():
    await KEYS.create_ec_key("invoices")
    with open("backup", "wb") as file:
        file.write(await KEYS.backup_key("invoices"))


async def upload():
    properties = ManagedHsmProperties(
        tenant_id=os.environ["AZURE_TENANT_ID"], initial_admin_object_ids=[os.environ["USER_OBJECT_ID"]]
    )
    hsm = ManagedHsm(location="localhost", sku=ManagedHsmSku(family="B", name="Standard_B1"), properties=properties)
    await finished(HSMS.begin_create_or_update(os.environ["AZURE_RESOURCE_GROUP"], "payroll", hsm))
    other = security_domain_client(USER, OTHER)
    transfer_key = await other.get_transfer_key()
    # A JSON text, as the service sends it.
    [der] = json.loads(transfer_key["transfer_key"])["x5c"]
    certificate = x509.load_der_x509_certificate(base64.b64decode(der))
    assert certificate.subject.rfc4514_string() == "CN=payroll.managedhsm.azure.net"
    with open("exchange.pem", "wb") as file:
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
    subprocess.run(
        [os.environ["STRONGROOM_PROGRAM"], "security-domain", "restore-blob"]
        + ["--sd-file", "domain.json", "--sd-exchange-key", "exchange.pem"]
        + ["--sd-wrapping-keys", "a.pem", "c.pem", "--sd-file-restore-blob", "blob.json"],
        check=True,
    )
    with open("blob.json", encoding="utf-8") as file:
        blob = file.read()
    await finished(other.begin_upload(SecurityDomain(value=blob)))
    refusal = await refused(HttpResponseError, other.begin_upload(SecurityDomain(value=blob)), "already activated")
    assert refusal.status_code == 409


async def restore():
    access = access_control_client(USER, url=OTHER)
    roles = [role for role in await listed(access.list_role_definitions("/")) if role.role_name.endswith("Crypto User")]
    await access.create_role_assignment("/", roles[0].id, os.environ["USER_OBJECT_ID"])
    with open("backup", "rb") as file:
        restored = await key_client(USER, url=OTHER).restore_key_backup(file.read())
    made = await KEYS.get_key("invoices")
    assert restored.id == made.id.replace("local.", "payroll.", 1)
    assert (restored.key.x, restored.key.y) == (made.key.x, made.key.y)


async def scenario():
    """Creates the clients: asynchronous ones must be created in the event loop that uses them."""
    global DOMAIN, HSMS, KEYS, USER
    who, USER = credential(), principal("USER")
    DOMAIN, KEYS, HSMS = security_domain_client(who, URL), key_client(who), managed_hsms(who)


play(scenario, download, backup, upload, restore)

"""Microsoft's own clients, unmodified: KeyClient and CryptographyClient on every key type and algorithm.

What the service computes is checked by what the SDK or `cryptography` computes here, and the other way round.
Challenge verification is on, TLS is verified. Settings come from the environment, as those of any application.
"""

import hashlib
import os
from datetime import datetime, timezone

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity import ClientSecretCredential, EnvironmentCredential
from azure.keyvault.keys import (
    ApiVersion,
    JsonWebKey,
    KeyClient,
    KeyOperation,
    KeyRotationLifetimeAction,
    KeyRotationPolicy,
)
from azure.keyvault.keys.crypto import (
    CryptographyClient,
    EncryptionAlgorithm,
    KeyWrapAlgorithm,
    SignatureAlgorithm,
)
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

URL = os.environ["AZURE_KEYVAULT_URL"]
CREDENTIAL = EnvironmentCredential(disable_instance_discovery=True)
KEYS = KeyClient(URL, CREDENTIAL)


def principal(name, secret=None):
    return ClientSecretCredential(
        os.environ["AZURE_TENANT_ID"],
        os.environ[f"{name}_CLIENT_ID"],
        secret or os.environ[f"{name}_CLIENT_SECRET"],
        authority=os.environ["AZURE_AUTHORITY_HOST"],
        disable_instance_discovery=True,
    )


USER = principal("USER")

OPERATIONS = [KeyOperation.encrypt, KeyOperation.decrypt, KeyOperation.wrap_key, KeyOperation.unwrap_key]


def refused(error, call, text=""):
    try:
        call()
    except error as refusal:
        assert text in str(refusal), refusal
        return refusal
    raise AssertionError(f"{error.__name__} was expected")


def crypto(key):
    """A client that has the service do everything.

    The SDK does what it can by itself once it has read the key; this principal may use keys and not read them.
    """
    return CryptographyClient(key.id, USER)


def digest(algorithm, data=b"data"):
    return hashlib.new(f"sha{algorithm.value[2:5]}", data).digest()


def names_and_urls():
    key = KEYS.create_oct_key("names", size=128, hardware_protected=True, tags={"team": "billing"})
    assert key.id.startswith(f"{URL}/keys/names/"), key.id
    assert key.properties.vault_url == URL and key.properties.version == key.id.rsplit("/", 1)[1]
    assert key.properties.tags == {"team": "billing"} and key.properties.recoverable_days == 90
    assert key.properties.recovery_level == "Recoverable+Purgeable"


def life():
    made = KEYS.create_rsa_key("life", size=2048, hardware_protected=True, public_exponent=17)
    assert made.key_type == "RSA-HSM" and made.key.e == b"\x11", made.key.e
    assert KEYS.get_key("life").id == made.id
    expires = datetime(2090, 1, 1, tzinfo=timezone.utc)
    changed = KEYS.update_key_properties("life", enabled=False, expires_on=expires, tags={"a": "b"})
    assert (changed.properties.enabled, changed.properties.expires_on) == (False, expires)
    again = KEYS.update_key_properties("life", made.properties.version, enabled=True)
    assert again.properties.tags == {"a": "b"} and again.properties.expires_on == expires
    second = KEYS.create_rsa_key("life", hardware_protected=True)
    versions = [version.id for version in KEYS.list_properties_of_key_versions("life", max_page_size=1)]
    assert versions == [made.id, second.id], versions

    for number in range(27):
        KEYS.create_oct_key(f"listed-{number}", hardware_protected=True)
    listed = [key.name for key in KEYS.list_properties_of_keys(max_page_size=6)]
    assert len([name for name in listed if name.startswith("listed-")]) == 27, listed

    deleted = KEYS.begin_delete_key("life").result()
    assert deleted.id == second.id and deleted.recovery_id == f"{URL}/deletedkeys/life"
    assert (deleted.scheduled_purge_date - deleted.deleted_date).days == 90
    assert KEYS.get_deleted_key("life").deleted_date == deleted.deleted_date
    assert [key.name for key in KEYS.list_deleted_keys()] == ["life"]
    refused(ResourceNotFoundError, lambda: KEYS.get_key("life"), f"(KeyNotFound) Key not found: {URL}/keys/life")
    refused(HttpResponseError, lambda: KEYS.create_ec_key("life", hardware_protected=True), "(Conflict)")
    assert KEYS.begin_recover_deleted_key("life").result().id == second.id
    assert KEYS.get_key("life", made.properties.version).properties.tags == {"a": "b"}
    KEYS.begin_delete_key("life").wait()
    KEYS.purge_deleted_key("life")
    refused(ResourceNotFoundError, lambda: KEYS.get_deleted_key("life"))


def rotation():
    KEYS.create_ec_key("rotated", hardware_protected=True, curve="P-384")
    action = KeyRotationLifetimeAction("Rotate", time_after_create="P2M")
    policy = KEYS.update_key_rotation_policy(
        "rotated", KeyRotationPolicy(), lifetime_actions=[action], expires_in="P90D"
    )
    assert policy.id == "keys/rotated/rotationpolicy" and policy.expires_in == "P90D"
    policy = KEYS.get_key_rotation_policy("rotated")
    [shown] = policy.lifetime_actions
    assert (shown.action.lower(), shown.time_after_create, shown.time_before_expiry) == ("rotate", "P2M", None)
    rotated = KEYS.rotate_key("rotated")
    lifetime = rotated.properties.expires_on - rotated.properties.created_on
    assert lifetime.days == 90 and rotated.key.crv == "P-384"


def random():
    assert len(KEYS.get_random_bytes(128)) == 128
    refused(HttpResponseError, lambda: KEYS.get_random_bytes(129), "count cannot be greater than 128 or less than 1")


def check_signatures(key, fitting):
    remote, tried = crypto(key), []
    local = CryptographyClient.from_jwk(key.key) if not key.key_type.startswith("oct") else None
    for algorithm in fitting:
        data = digest(algorithm) if algorithm != SignatureAlgorithm.es256_k else hashlib.sha256(b"data").digest()
        signed = remote.sign(algorithm, data)
        assert signed.key_id == key.id and signed.algorithm == algorithm
        assert remote.verify(algorithm, data, signed.signature).is_valid
        forged = signed.signature[:-1] + bytes([signed.signature[-1] ^ 1])
        assert not remote.verify(algorithm, data, forged).is_valid
        if local:
            assert local.verify(algorithm, data, signed.signature).is_valid
            assert not local.verify(algorithm, data, forged).is_valid
        tried.append(algorithm)
    return tried


def signatures():
    tried = []
    rsa = KEYS.create_rsa_key("rsa", size=3072, hardware_protected=True)
    tried += check_signatures(rsa, [a for a in SignatureAlgorithm if a.value[:2] in ("RS", "PS")])
    for curve, algorithm in [("P-256", "ES256"), ("P-384", "ES384"), ("P-521", "ES512"), ("P-256K", "ES256K")]:
        key = KEYS.create_ec_key(f"ec-{curve}", curve=curve, hardware_protected=True)
        assert (key.key_type, key.key.crv) == ("EC-HSM", curve)
        tried += check_signatures(key, [SignatureAlgorithm(algorithm)])
    jwk = JsonWebKey(kty="oct-HSM", k=os.urandom(32), key_ops=["sign", "verify"])
    mac = KEYS.import_key("mac", jwk, hardware_protected=True)
    tried += check_signatures(mac, [a for a in SignatureAlgorithm if a.value.startswith("HS")])
    assert sorted(tried) == sorted(SignatureAlgorithm), tried


def rsa_ciphers():
    key = KEYS.get_key("rsa")
    remote, local = crypto(key), CryptographyClient.from_jwk(key.key)
    for name in ["RSA1_5", "RSA-OAEP", "RSA-OAEP-256"]:
        for client in (remote, local):
            sealed = client.encrypt(EncryptionAlgorithm(name), b"plain")
            assert remote.decrypt(EncryptionAlgorithm(name), sealed.ciphertext).plaintext == b"plain", name
            wrapped = client.wrap_key(KeyWrapAlgorithm(name), b"k" * 32)
            assert remote.unwrap_key(KeyWrapAlgorithm(name), wrapped.encrypted_key).key == b"k" * 32, name


def symmetric():
    for bits in (128, 192, 256):
        secret = os.urandom(bits // 8)
        jwk = JsonWebKey(kty="oct-HSM", k=secret, key_ops=[operation.value for operation in OPERATIONS])
        key = KEYS.import_key(f"aes-{bits}", jwk, hardware_protected=True)
        remote, local = crypto(key), CryptographyClient.from_jwk(jwk)
        assert set(key.key_operations) == {operation.value for operation in OPERATIONS}
        algorithm, iv = EncryptionAlgorithm(f"A{bits}CBCPAD"), os.urandom(16)
        for here, there in ((remote, local), (local, remote)):
            sealed = here.encrypt(algorithm, b"of any length", iv=iv)
            assert there.decrypt(algorithm, sealed.ciphertext, iv=sealed.iv).plaintext == b"of any length", algorithm
        algorithm, blocks = EncryptionAlgorithm(f"A{bits}CBC"), b"sixteen bytes ok" * 2
        encryptor = Cipher(algorithms.AES(secret), modes.CBC(iv)).encryptor()
        sealed = remote.encrypt(algorithm, blocks, iv=iv)
        assert sealed.ciphertext == encryptor.update(blocks) + encryptor.finalize(), algorithm
        assert remote.decrypt(algorithm, sealed.ciphertext, iv=sealed.iv).plaintext == blocks, algorithm
        algorithm = EncryptionAlgorithm(f"A{bits}GCM")
        sealed = remote.encrypt(algorithm, b"plain", additional_authenticated_data=b"aad")
        assert (len(sealed.iv), len(sealed.tag), sealed.aad) == (12, 16, b"aad")
        assert AESGCM(secret).decrypt(sealed.iv, sealed.ciphertext + sealed.tag, b"aad") == b"plain"
        iv = os.urandom(12)
        made = AESGCM(secret).encrypt(iv, b"plain", b"aad")
        given = {"iv": iv, "authentication_tag": made[-16:], "additional_authenticated_data": b"aad"}
        assert remote.decrypt(algorithm, made[:-16], **given).plaintext == b"plain"
        given["additional_authenticated_data"] = b"forged"
        refused(HttpResponseError, lambda: remote.decrypt(algorithm, made[:-16], **given), "(BadParameter)")
        algorithm = KeyWrapAlgorithm(f"A{bits}KW")
        wrapped = remote.wrap_key(algorithm, b"k" * 32)
        assert remote.unwrap_key(algorithm, wrapped.encrypted_key).key == b"k" * 32
        assert local.wrap_key(algorithm, b"k" * 32).encrypted_key == wrapped.encrypted_key
        made = KEYS.create_oct_key(f"oct-{bits}", size=bits, hardware_protected=True)
        assert made.key_type == "oct-HSM" and made.key.k is None


def versions_of_the_interface():
    for version in ApiVersion:
        client = KeyClient(URL, CREDENTIAL, api_version=version)
        assert client.get_key("rsa").id == KEYS.get_key("rsa").id, version


def who_may_not():
    refusal = refused(HttpResponseError, lambda: KeyClient(URL, USER).get_key("rsa"), "(AccessDenied)")
    assert refusal.status_code == 403 and "keys/read/action on /keys/rsa" in str(refusal), refusal
    wrong = principal("USER", "wrong")
    refused(ClientAuthenticationError, lambda: KeyClient(URL, wrong).get_key("rsa"), "AADSTS7000215")


for step in (
    names_and_urls,
    life,
    rotation,
    random,
    signatures,
    rsa_ciphers,
    symmetric,
    versions_of_the_interface,
    who_may_not,
):
    step()
    print(step.__name__, flush=True)

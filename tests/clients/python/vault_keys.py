"""Tests azure-keyvault-keys, synchronous and asynchronous, against a vault: what differs from managed HSMs."""

import hashlib
import os

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.keyvault.keys import ApiVersion, KeyCurveName, KeyRotationPolicyAction
from azure.keyvault.keys.crypto import EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from flavours import credential, cryptography_client, delete, key_client, listed, play, principal, recover, refused

VAULT = os.environ["AZURE_VAULT_URL"]


async def kinds():
    soft, hard = await KEYS.create_rsa_key("soft"), await KEYS.create_rsa_key("hard", hardware_protected=True)
    assert (soft.key_type, hard.key_type) == ("RSA", "RSA-HSM")
    assert soft.id == f"{VAULT}/keys/soft/{soft.properties.version}"
    assert soft.key_operations == ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]
    for curve in KeyCurveName:
        made = await KEYS.create_ec_key(f"ec-{curve.value}", curve=curve)
        assert (made.key_type, made.key.crv, made.key_operations) == ("EC", curve, ["sign", "verify"])
    assert (await KEYS.create_ec_key("ec-hard", hardware_protected=True)).key_type == "EC-HSM"
    await refused(HttpResponseError, KEYS.create_oct_key("oct", hardware_protected=True), "not available in vaults")
    assert soft.properties.recovery_level == "Recoverable+Purgeable" and soft.properties.recoverable_days == 90


async def cryptography():
    digest = hashlib.sha256(b"message").digest()
    for name in ("soft", "hard"):
        key = await KEYS.get_key(name)
        crypto = cryptography_client(key, CREDENTIAL)
        signed = await crypto.sign(SignatureAlgorithm.rs256, digest)
        assert signed.key_id == key.id
        public = rsa.RSAPublicNumbers(int.from_bytes(key.key.e, "big"), int.from_bytes(key.key.n, "big")).public_key()
        public.verify(signed.signature, digest, padding.PKCS1v15(), Prehashed(SHA256()))
        ciphertext = (await crypto.encrypt(EncryptionAlgorithm.rsa_oaep_256, b"plain")).ciphertext
        assert (await crypto.decrypt(EncryptionAlgorithm.rsa_oaep_256, ciphertext)).plaintext == b"plain"
        wrapped = (await crypto.wrap_key(KeyWrapAlgorithm.rsa_oaep, b"k" * 32)).encrypted_key
        assert (await crypto.unwrap_key(KeyWrapAlgorithm.rsa_oaep, wrapped)).key == b"k" * 32
    key = await KEYS.get_key("ec-P-256")
    signature = (await cryptography_client(key, CREDENTIAL).sign(SignatureAlgorithm.es256, digest)).signature
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(key.key.x, "big"), int.from_bytes(key.key.y, "big"), ec.SECP256R1()
    )
    encoded = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    numbers.public_key().verify(encoded, digest, ec.ECDSA(Prehashed(SHA256())))


async def rotation():
    policy = await KEYS.get_key_rotation_policy("soft")
    assert [action.action for action in policy.lifetime_actions] == [KeyRotationPolicyAction.notify]
    assert policy.lifetime_actions[0].time_before_expiry == "P30D"
    before = await KEYS.get_key("soft")
    rotated = await KEYS.rotate_key("soft")
    assert rotated.id != before.id and rotated.key_type == "RSA"
    versions = [item.version for item in await listed(KEYS.list_properties_of_key_versions("soft"))]
    assert versions == [before.properties.version, rotated.properties.version]


async def deletion():
    made = await KEYS.create_ec_key("lost")
    deleted = await delete(KEYS, "lost")
    assert (deleted.id, deleted.recovery_id) == (made.id, f"{VAULT}/deletedkeys/lost")
    await refused(ResourceNotFoundError, KEYS.get_key("lost"), "was not found in this key vault")
    await refused(ResourceExistsError, KEYS.create_ec_key("lost"), "deleted but recoverable state")
    assert (await recover(KEYS, "lost")).id == made.id
    await delete(KEYS, "lost")
    await KEYS.purge_deleted_key("lost")
    await refused(ResourceNotFoundError, KEYS.get_deleted_key("lost"), "Deleted Key not found: lost")


async def refusals():
    user = key_client(principal("USER"), VAULT)
    await refused(HttpResponseError, user.get_key("soft"), "ForbiddenByRbac")
    await refused(HttpResponseError, user.get_key("nothing"), "Microsoft.KeyVault/vaults/keys/read")


async def api_versions():
    for version in ApiVersion:
        client = key_client(CREDENTIAL, VAULT, api_version=version)
        assert (await client.get_key("hard")).name == "hard"


async def scenario():
    """Creates the clients: asynchronous ones must be created in the event loop that uses them."""
    global CREDENTIAL, KEYS
    CREDENTIAL = credential()
    KEYS = key_client(CREDENTIAL, VAULT)


play(scenario, kinds, cryptography, rotation, deletion, refusals, api_versions)

"""Tests CryptographyClient, synchronous and asynchronous, with every algorithm of the service.

Results of the service are checked with the SDK's implementation and with `cryptography`, and vice versa, with imported
keys that `cryptography` generated.
"""

import hashlib
import os

from azure.core.exceptions import HttpResponseError
from azure.keyvault.keys import JsonWebKey
from azure.keyvault.keys.crypto import EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, hmac, keywrap
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.padding import PKCS7
from flavours import credential, cryptography_client, key_client, local_client, play, principal, refused

HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVES = {
    "ES256": ("P-256", ec.SECP256R1(), 32),
    "ES384": ("P-384", ec.SECP384R1(), 48),
    "ES512": ("P-521", ec.SECP521R1(), 66),
    "ES256K": ("P-256K", ec.SECP256K1(), 32),
}
OAEP = {"RSA-OAEP": hashes.SHA1(), "RSA-OAEP-256": hashes.SHA256()}


def remote(key):
    """A client that sends every operation to the service.

    The SDK computes locally what it can once it has read the key; this principal may use keys but not read them.
    """
    return cryptography_client(key.id, USER)


def integer(number, width=None):
    return number.to_bytes(width or (number.bit_length() + 7) // 8, "big")


def digest_of(algorithm, data):
    return hashlib.new(f"sha{algorithm[2:5]}", data).digest()


def padding_of(algorithm):
    if algorithm.startswith("PS"):
        digest = HASHES[algorithm[2:5]]
        return padding.PSS(padding.MGF1(digest), digest.digest_size)
    return padding.PKCS1v15()


def encryption_of(algorithm):
    if algorithm == "RSA1_5":
        return padding.PKCS1v15()
    return padding.OAEP(padding.MGF1(OAEP[algorithm]), OAEP[algorithm], None)


def flip_last_bit(signature):
    return signature[:-1] + bytes([signature[-1] ^ 1])


def is_valid(check):
    try:
        check()
        return True
    except InvalidSignature:
        return False


async def check_signatures(key, algorithm, sign, verify):
    """Checks one algorithm with the service, the SDK's implementation and `cryptography`."""
    service, local = remote(key), local_client(key.key)
    digest = digest_of(algorithm, b"Invoice 17: 100.00 EUR")
    signed = await service.sign(SignatureAlgorithm(algorithm), digest)
    assert (signed.key_id, signed.algorithm) == (key.id, algorithm)
    for signature in (signed.signature, sign(digest)):
        for client in (service, local):
            for given, valid in ((signature, True), (flip_last_bit(signature), False)):
                checked = await client.verify(SignatureAlgorithm(algorithm), digest, given)
                assert checked.is_valid == valid, (algorithm, client)
    assert is_valid(lambda: verify(signed.signature, digest)), algorithm
    assert not is_valid(lambda: verify(flip_last_bit(signed.signature), digest)), algorithm
    TESTED.add(algorithm)


async def rsa_signatures():
    for algorithm in [f"{kind}{bits}" for kind in ("RS", "PS") for bits in HASHES]:
        scheme, digest = padding_of(algorithm), utils.Prehashed(HASHES[algorithm[2:]])
        await check_signatures(
            RSA,
            algorithm,
            lambda data: PRIVATE.sign(data, scheme, digest),
            lambda signature, data: PRIVATE.public_key().verify(signature, data, scheme, digest),
        )
    # RSNULL pads the input without a DigestInfo. The SDK has no constant for it, but sends it.
    signed = await remote(RSA).sign("RSNULL", b"as they are")
    numbers = PRIVATE.public_key().public_numbers()
    plain = integer(pow(int.from_bytes(signed.signature, "big"), numbers.e, numbers.n), 256)
    assert plain == b"\x00\x01" + b"\xff" * (256 - 3 - 11) + b"\x00as they are"
    assert (await remote(RSA).verify("RSNULL", b"as they are", signed.signature)).is_valid
    assert not (await remote(RSA).verify("RSNULL", b"as they were", signed.signature)).is_valid


async def ec_signatures():
    for algorithm, (curve, parameters, width) in CURVES.items():
        private = ec.generate_private_key(parameters)
        numbers = private.private_numbers()
        jwk = JsonWebKey(
            kty="EC-HSM",
            crv=curve,
            x=integer(numbers.public_numbers.x, width),
            y=integer(numbers.public_numbers.y, width),
            d=integer(numbers.private_value, width),
            key_ops=["sign", "verify"],
        )
        key = await KEYS.import_key(f"ec-{curve}", jwk, hardware_protected=True)
        assert (key.key_type, key.key.crv, key.key.d) == ("EC-HSM", curve, None)
        digest = utils.Prehashed(HASHES[algorithm[2:5]])

        def sign(data):
            r, s = utils.decode_dss_signature(private.sign(data, ec.ECDSA(digest)))
            return integer(r, width) + integer(s, width)

        def verify(signature, data):
            r, s = (int.from_bytes(half, "big") for half in (signature[:width], signature[width:]))
            private.public_key().verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(digest))

        await check_signatures(key, algorithm, sign, verify)


async def macs():
    secret = os.urandom(32)
    jwk = JsonWebKey(kty="oct-HSM", k=secret, key_ops=["sign", "verify"])
    key = await KEYS.import_key("mac", jwk, hardware_protected=True)
    for bits, algorithm in HASHES.items():
        digest, mac = digest_of(f"HS{bits}", b"data"), hmac.HMAC(secret, algorithm)
        mac.update(digest)
        signed = await remote(key).sign(SignatureAlgorithm(f"HS{bits}"), digest)
        assert signed.signature == mac.finalize(), bits
        for signature, valid in ((signed.signature, True), (flip_last_bit(signed.signature), False)):
            checked = await remote(key).verify(SignatureAlgorithm(f"HS{bits}"), digest, signature)
            assert checked.is_valid == valid, bits
        TESTED.add(f"HS{bits}")


async def rsa_ciphers():
    service, local = remote(RSA), local_client(RSA.key)
    for name in ["RSA1_5", *OAEP]:
        scheme, cipher, wrap = encryption_of(name), EncryptionAlgorithm(name), KeyWrapAlgorithm(name)
        for client in (service, local):
            sealed = await client.encrypt(cipher, b"plain")
            assert PRIVATE.decrypt(sealed.ciphertext, scheme) == b"plain", name
            wrapped = await client.wrap_key(wrap, b"k" * 32)
            assert PRIVATE.decrypt(wrapped.encrypted_key, scheme) == b"k" * 32, name
        sealed = PRIVATE.public_key().encrypt(b"plain", scheme)
        opened = await service.decrypt(cipher, sealed)
        assert (opened.plaintext, opened.key_id) == (b"plain", RSA.id), name
        assert (await service.unwrap_key(wrap, sealed)).key == b"plain", name
        TESTED.update({f"encrypt {name}", f"wrap {name}"})
    await refused(HttpResponseError, service.decrypt(EncryptionAlgorithm.rsa_oaep, flip_last_bit(sealed)), "(BadParameter)")


async def symmetric():
    for bits in (128, 192, 256):
        secret, iv = os.urandom(bits // 8), os.urandom(16)
        jwk = JsonWebKey(kty="oct-HSM", k=secret, key_ops=["encrypt", "decrypt", "wrapKey", "unwrapKey"])
        key = await KEYS.import_key(f"aes-{bits}", jwk, hardware_protected=True)
        assert set(key.key_operations) == set(jwk.key_ops)
        service, local = remote(key), local_client(jwk)
        cbc = Cipher(algorithms.AES(secret), modes.CBC(iv))
        for mode, plain in (("CBC", b"sixteen bytes ok" * 2), ("CBCPAD", b"of any length")):
            algorithm, encryptor = EncryptionAlgorithm(f"A{bits}{mode}"), cbc.encryptor()
            padder = PKCS7(128).padder()
            blocks = plain if mode == "CBC" else padder.update(plain) + padder.finalize()
            expected = encryptor.update(blocks) + encryptor.finalize()
            # The SDK implements only the padding mode locally.
            clients = [service] if mode == "CBC" else [service, local]
            for client in clients:
                sealed = await client.encrypt(algorithm, plain, iv=iv)
                assert (sealed.ciphertext, sealed.iv) == (expected, iv), algorithm
                assert (await client.decrypt(algorithm, expected, iv=iv)).plaintext == plain, algorithm
            TESTED.add(f"encrypt {algorithm.value}")
        await gcm(bits, service, secret)
        algorithm, expected = KeyWrapAlgorithm(f"A{bits}KW"), keywrap.aes_key_wrap(secret, b"k" * 200)
        for client in (service, local):
            assert (await client.wrap_key(algorithm, b"k" * 200)).encrypted_key == expected, algorithm
            assert (await client.unwrap_key(algorithm, expected)).key == b"k" * 200, algorithm
        await refused(HttpResponseError, service.unwrap_key(algorithm, flip_last_bit(expected)), "(BadParameter)")
        TESTED.add(f"wrap {algorithm.value}")


async def gcm(bits, service, secret):
    """The service generates the nonce; the SDK does not implement GCM locally."""
    algorithm, aad = EncryptionAlgorithm(f"A{bits}GCM"), {"additional_authenticated_data": b"aad"}
    sealed = await service.encrypt(algorithm, b"plain", **aad)
    assert (len(sealed.iv), len(sealed.tag), sealed.aad) == (12, 16, b"aad")
    assert AESGCM(secret).decrypt(sealed.iv, sealed.ciphertext + sealed.tag, b"aad") == b"plain"
    assert (await service.encrypt(algorithm, b"plain", **aad)).iv != sealed.iv
    nonce = os.urandom(12)
    made = AESGCM(secret).encrypt(nonce, b"plain", b"aad")
    given = {"iv": nonce, "authentication_tag": made[-16:], **aad}
    assert (await service.decrypt(algorithm, made[:-16], **given)).plaintext == b"plain"
    for change in ({"additional_authenticated_data": b"other"}, {"authentication_tag": flip_last_bit(made[-16:])}):
        forged = service.decrypt(algorithm, made[:-16], **{**given, **change})
        await refused(HttpResponseError, forged, "(BadParameter)")
    TESTED.add(f"encrypt {algorithm.value}")


async def generated_keys():
    """Keys generated in the token."""
    key = await KEYS.create_rsa_key("made", size=2048, hardware_protected=True)
    digest = hashlib.sha256(b"data").digest()
    # This principal may read the key, so the SDK verifies locally.
    client = cryptography_client(key, CREDENTIAL)
    signed = await client.sign(SignatureAlgorithm.ps256, digest)
    assert (await client.verify(SignatureAlgorithm.ps256, digest, signed.signature)).is_valid
    sealed = await client.encrypt(EncryptionAlgorithm.rsa_oaep_256, b"plain")
    assert (await client.decrypt(EncryptionAlgorithm.rsa_oaep_256, sealed.ciphertext)).plaintext == b"plain"
    disabled = await KEYS.create_rsa_key("off", enabled=False)
    refusal = await refused(HttpResponseError, remote(disabled).sign(SignatureAlgorithm.rs256, digest), "(Forbidden)")
    assert refusal.status_code == 403 and "disabled key" in refusal.message


async def every_algorithm_is_tested():
    named = {algorithm.value for algorithm in SignatureAlgorithm}
    named |= {f"encrypt {algorithm.value}" for algorithm in EncryptionAlgorithm}
    # The CKM key wrap algorithms are not supported.
    named |= {f"wrap {algorithm.value}" for algorithm in KeyWrapAlgorithm if not algorithm.value.startswith("CKM")}
    assert TESTED == named, TESTED ^ named


async def scenario():
    """Creates the clients: asynchronous ones must be created in the event loop that uses them."""
    global CREDENTIAL, KEYS, PRIVATE, RSA, TESTED, USER
    CREDENTIAL, USER, TESTED = credential(), principal("USER"), set()
    KEYS = key_client(CREDENTIAL)
    PRIVATE = rsa.generate_private_key(65537, 2048)
    numbers = PRIVATE.private_numbers()
    parts = {
        "n": numbers.public_numbers.n,
        "e": numbers.public_numbers.e,
        "d": numbers.d,
        "p": numbers.p,
        "q": numbers.q,
        "dp": numbers.dmp1,
        "dq": numbers.dmq1,
        "qi": numbers.iqmp,
    }
    operations = ["encrypt", "decrypt", "wrapKey", "unwrapKey", "sign", "verify"]
    jwk = JsonWebKey(kty="RSA-HSM", key_ops=operations, **{name: integer(value) for name, value in parts.items()})
    RSA = await KEYS.import_key("rsa", jwk, hardware_protected=True)
    assert RSA.key.d is None and RSA.key.n == integer(numbers.public_numbers.n)


play(
    scenario,
    rsa_signatures,
    ec_signatures,
    macs,
    rsa_ciphers,
    symmetric,
    generated_keys,
    every_algorithm_is_tested,
)

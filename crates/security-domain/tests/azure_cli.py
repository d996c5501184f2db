"""Runs azure-cli's own code for the security domain: `azure_cli.py STEP DIRECTORY`. Files are read from and written to
the directory: a.pem, a.cer and so on are the private keys and certificates of the holders."""

import json
import os
import sys

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from azure.cli.command_modules.keyvault import custom
from azure.cli.command_modules.keyvault.security_domain.byte_shares import ByteShares
from azure.cli.command_modules.keyvault.security_domain.jwe import JWE
from azure.cli.command_modules.keyvault.security_domain.sp800_108 import KDF
from azure.cli.command_modules.keyvault.security_domain.utils import Utils

STEP, DIRECTORY = sys.argv[1:]
NAMES = ["a", "b", "c"]
DATA = {"hsm_backup": b"\7" * 3000, "base_enclave_backup": b"\7" * 16, "partition_enclave_backup": b""}


def path(name):
    return os.path.join(DIRECTORY, name)


def read(name):
    with open(path(name), "rb") as file:
        return file.read()


def write(name, value):
    with open(path(name), "w", encoding="ascii") as file:
        file.write(value if isinstance(value, str) else json.dumps(value))


def certificate(name):
    return x509.load_pem_x509_certificate(read(name + ".cer"))


def encrypted(plaintext, recipient):
    jwe = JWE()
    jwe.encrypt_using_cert(recipient, plaintext)
    return jwe.encode_compact()


def download():
    """Writes the body that `security-domain download` sends."""

    class Client:
        def begin_download(self, certificate_info, **_):
            write("download.json", certificate_info)
            sys.exit(0)

    paths = [path(name + ".cer") for name in NAMES]
    custom.security_domain_download(Client(), paths, path("unused.json"), 2)


def seal():
    """Writes a security domain file. The command line has no code for the whole; only its encoder of words is not used,
    which shifts by 8 instead of 9."""
    master = bytes(Utils.get_random(32))
    shares = [bytearray() for _ in NAMES]
    for byte in master:
        polynomial = ByteShares(2, byte)
        for x, share in enumerate(shares, 1):
            share += ((x << 9) | polynomial.make_share(x).v).to_bytes(2, "little")
    data = []
    for tag, plaintext in DATA.items():
        jwe = JWE()
        jwe.encrypt_using_bytes(KDF.sp800_108(master, tag, "", 512), plaintext, "A256CBC-HS512", kid=tag)
        data.append({"compact_jwe": jwe.encode_compact(), "tag": tag})
    certificates = [certificate(name) for name in NAMES]
    enc_shares = [
        {
            "enc_key": encrypted(share, holder),
            "x5t_256": Utils.security_domain_b64_url_encode(Utils.get_SHA256_thumbprint(holder)),
        }
        for share, holder in zip(shares, certificates)
    ]
    shared_keys = {"enc_shares": enc_shares, "key_algorithm": "shamir_share", "required": 2}
    file = {"EncData": {"data": data, "kdf": "sp108_kdf"}, "SharedKeys": shared_keys, "version": 2}
    write("domain.json", file)
    write("master.hex", master.hex())


def restore():
    """Stores the exchange key of transfer.json, and restores domain.json for it."""

    class Client:
        def get_transfer_key(self):
            return json.loads(read("transfer.json"))

    custom.security_domain_init_recovery(Client(), path("exchange.pem"))
    keys = [path("a.pem"), path("c.pem")]
    custom.security_domain_restore_blob(path("domain.json"), path("exchange.pem"), keys, path("blob.json"), ["pass"])


def open_blob():
    """Fails unless blob.json has the data, for the private key exchange.key."""
    blob = json.loads(read("blob.json"))
    key = load_pem_private_key(read("exchange.key"), password=None)
    master = JWE(blob["WrappedKey"]["enc_key"]).decrypt_using_private_key(key)
    found = {
        item["tag"]: JWE(item["compact_jwe"]).decrypt_using_bytes(KDF.sp800_108(master, item["tag"], "", 512))
        for item in blob["EncData"]["data"]
    }
    assert found == DATA


{"download": download, "seal": seal, "restore": restore, "open": open_blob}[STEP]()

"""Tests MongoDB's client-side field level encryption with keys of the HSM as customer master keys.

libmongocrypt writes the HTTP requests and parses the responses itself. The driver's part is implemented here, without a
database: it sends them over TLS and stores the data keys.
"""

import os
import socket
import ssl

import bson
from azure.identity import EnvironmentCredential
from azure.keyvault.keys import KeyClient
from pymongocrypt.errors import MongoCryptError
from pymongocrypt.options import MongoCryptOptions
from pymongocrypt.synchronous.explicit_encrypter import ExplicitEncrypter
from pymongocrypt.synchronous.state_machine import MongoCryptCallback

ALGORITHM = "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic"
HSM = os.environ["AZURE_KEYVAULT_URL"].removeprefix("https://")
LOGIN = os.environ["AZURE_AUTHORITY_HOST"].removeprefix("https://")
TRUST = ssl.create_default_context(cafile=os.environ["REQUESTS_CA_BUNDLE"])


class Driver(MongoCryptCallback):
    """The callbacks that libmongocrypt requires of a driver."""

    def __init__(self):
        self.data_keys = {}
        self.requests = []

    def kms_request(self, kms_context):
        host, port = kms_context.endpoint.rsplit(":", 1)
        self.requests.append(kms_context.message.split(b" HTTP/1.1\r\n")[0].decode())
        with socket.create_connection((host, int(port)), timeout=10) as plain:
            with TRUST.wrap_socket(plain, server_hostname=host) as connection:
                connection.sendall(kms_context.message)
                while kms_context.bytes_needed > 0:
                    answer = connection.recv(kms_context.bytes_needed)
                    assert answer, "the connection was closed before the response was complete"
                    kms_context.feed(answer)

    def fetch_keys(self, filter):
        wanted = bson.decode(filter)
        if not wanted:
            return list(self.data_keys.values())
        return [self.data_keys[id] for id in wanted["$or"][0]["_id"]["$in"]]

    def insert_data_key(self, data_key):
        id = bson.decode(data_key)["_id"]
        self.data_keys[id] = bytes(data_key)
        return id

    def bson_encode(self, doc):
        return bson.encode(doc)

    def collection_info(self, database, filter):
        raise NotImplementedError

    def mark_command(self, database, cmd):
        raise NotImplementedError

    def close(self):
        pass


def encrypter(driver, secret=os.environ["AZURE_CLIENT_SECRET"]):
    """An encrypter without cached access tokens or data keys."""
    azure = {
        "tenantId": os.environ["AZURE_TENANT_ID"],
        "clientId": os.environ["AZURE_CLIENT_ID"],
        "clientSecret": secret,
        "identityPlatformEndpoint": LOGIN,
    }
    return ExplicitEncrypter(driver, MongoCryptOptions({"azure": azure}))


def master(key, **more):
    return {"keyVaultEndpoint": HSM, "keyName": key.name, **more}


def decrypted(driver, value):
    one = encrypter(driver)
    plain = bson.decode(one.decrypt(value))["v"]
    one.close()
    return plain


credential = EnvironmentCredential(disable_instance_discovery=True)
with KeyClient(os.environ["AZURE_KEYVAULT_URL"], credential) as keys:
    first = keys.create_rsa_key("mongo-first", hardware_protected=True)
    second = keys.create_rsa_key("mongo-second", hardware_protected=True)

driver = Driver()
one = encrypter(driver)
for master_key in (master(first), master(first, keyVersion=first.properties.version)):
    id = one.create_data_key("azure", master_key)
    value = bson.encode({"v": "invoice 17"})
    sealed = one.encrypt(value, ALGORITHM, key_id=bytes(id))
    assert b"invoice" not in sealed
    assert decrypted(driver, sealed) == "invoice 17"
one.close()
tokens = [line for line in driver.requests if line.endswith("/oauth2/v2.0/token")]
unwraps = [line for line in driver.requests if "/unwrapkey?api-version=" in line.lower()]
assert tokens and unwraps, driver.requests

# Data keys that are rewrapped with another master key decrypt the existing ciphertexts.
two = encrypter(driver)
rewrapped = bson.decode(two.rewrap_many_data_key({}, "azure", master(second)))
two.close()
assert len(rewrapped["v"]) == 2
for document in rewrapped["v"]:
    assert document["masterKey"]["keyName"] == "mongo-second"
    stored = bson.decode(driver.data_keys[document["_id"]])
    for member in ("keyMaterial", "masterKey"):
        assert stored[member] != document[member]
        stored[member] = document[member]
    driver.data_keys[document["_id"]] = bson.encode(stored)
assert decrypted(driver, sealed) == "invoice 17"

# libmongocrypt reports error responses.
for secret, name, message in (
    ("wrong", "mongo-first", "AADSTS7000215"),
    (os.environ["AZURE_CLIENT_SECRET"], "mongo-none", "KeyNotFound"),
):
    three = encrypter(Driver(), secret)
    try:
        three.create_data_key("azure", {"keyVaultEndpoint": HSM, "keyName": name})
        raise AssertionError(f"expected {message}")
    except MongoCryptError as error:
        assert message in str(error), error
    three.close()

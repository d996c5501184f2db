// CryptographyClient, with every algorithm that it and the service have. What the service computes is taken by Node's
// own implementation and by the SDK's, and the other way round.

import assert from "node:assert/strict";
import * as crypto from "node:crypto";
import { CryptographyClient } from "@azure/keyvault-keys";
import { credential, keys, play, refused, remote } from "./clients.mjs";

const { RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING, RSA_PKCS1_OAEP_PADDING, RSA_PSS_SALTLEN_DIGEST } = crypto.constants;
const data = Buffer.from("Invoice 17: 100.00 EUR");
const pair = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
const ciphers = {
  "RSA1_5": { padding: RSA_PKCS1_PADDING },
  "RSA-OAEP": { padding: RSA_PKCS1_OAEP_PADDING, oaepHash: "sha1" },
  "RSA-OAEP-256": { padding: RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" },
};
// What the SDK calls a curve, and what Node does.
const curves = {
  ES256: ["P-256", "P-256"],
  ES384: ["P-384", "P-384"],
  ES512: ["P-521", "P-521"],
  ES256K: ["P-256K", "secp256k1"],
};

const hash = (algorithm) => `sha${algorithm.slice(2, 5)}`;
const digest = (algorithm) => crypto.createHash(hash(algorithm)).update(data).digest();

function spoilt(bytes) {
  const copy = Buffer.from(bytes);
  copy[copy.length - 1] ^= 1;
  return copy;
}

/** A key of Node, imported: known at both ends. */
async function imported(name, key, keyOps, kty, crv) {
  const jwk = key.export({ format: "jwk" });
  const bytes = Object.entries(jwk).filter(([member]) => !["kty", "crv"].includes(member));
  const parts = Object.fromEntries(bytes.map(([member, text]) => [member, Buffer.from(text, "base64url")]));
  return keys.importKey(name, { kty, crv, keyOps, ...parts }, { hardwareProtected: true });
}

/** The service signs, others verify; others sign, the service verifies. */
async function checkSignature(key, algorithm, privateKey, options) {
  const service = remote(key);
  const { result, keyID } = await service.sign(algorithm, digest(algorithm));
  assert.equal(keyID, key.id);
  const publicKey = { key: crypto.createPublicKey(privateKey), ...options };
  assert.ok(crypto.verify(hash(algorithm), data, publicKey, result), algorithm);
  assert.ok(!crypto.verify(hash(algorithm), data, publicKey, spoilt(result)), algorithm);
  const theirs = crypto.sign(hash(algorithm), data, { key: privateKey, ...options });
  assert.equal((await service.verify(algorithm, digest(algorithm), theirs)).result, true, algorithm);
  assert.equal((await service.verify(algorithm, digest(algorithm), spoilt(theirs))).result, false, algorithm);
  const whole = await service.signData(algorithm, data);
  assert.equal((await service.verifyData(algorithm, data, whole.result)).result, true, algorithm);
}

let rsa;

async function rsaSignatures() {
  const operations = ["encrypt", "decrypt", "wrapKey", "unwrapKey", "sign", "verify"];
  rsa = await imported("rsa", pair.privateKey, operations, "RSA-HSM");
  assert.deepEqual(Buffer.from(rsa.key.n), Buffer.from(pair.publicKey.export({ format: "jwk" }).n, "base64url"));
  for (const bits of [256, 384, 512]) {
    const pss = { padding: RSA_PKCS1_PSS_PADDING, saltLength: RSA_PSS_SALTLEN_DIGEST };
    await checkSignature(rsa, `PS${bits}`, pair.privateKey, pss);
    await checkSignature(rsa, `RS${bits}`, pair.privateKey, { padding: RSA_PKCS1_PADDING });
    // Who may read the key has the SDK verify by itself.
    const reader = new CryptographyClient(rsa.id, credential);
    const signed = await reader.signData(`RS${bits}`, data);
    assert.equal((await reader.verifyData(`RS${bits}`, data, signed.result)).result, true);
    assert.equal((await reader.verifyData(`RS${bits}`, data, spoilt(signed.result))).result, false);
    // With this padding it is wrong when it does so; the page of these clients says so as long as it is.
    const padded = await reader.signData(`PS${bits}`, data);
    assert.equal((await reader.verifyData(`PS${bits}`, data, padded.result)).result, false);
    assert.equal((await reader.verify(`PS${bits}`, digest(`PS${bits}`), padded.result)).result, true);
  }
}

async function ecSignatures() {
  for (const [algorithm, [crv, namedCurve]] of Object.entries(curves)) {
    const { privateKey } = crypto.generateKeyPairSync("ec", { namedCurve });
    const key = await imported(`ec-${crv}`, privateKey, ["sign", "verify"], "EC-HSM", crv);
    assert.equal(key.keyType, "EC-HSM");
    await checkSignature(key, algorithm, privateKey, { dsaEncoding: "ieee-p1363" });
  }
}

async function rsaCiphers() {
  const service = remote(rsa);
  // The SDK has no OAEP with SHA-256 of its own, and leaves it to the service.
  const local = new CryptographyClient(rsa, credential);
  for (const [algorithm, scheme] of Object.entries(ciphers)) {
    // Node takes the padding of RSA1_5 off no more, because it leaked where the padding was wrong.
    const unpadded = (sealed) => crypto.privateDecrypt({ key: pair.privateKey, ...scheme }, sealed);
    const open = algorithm === "RSA1_5" ? withoutPadding : unpadded;
    for (const client of [service, local]) {
      const sealed = await client.encrypt({ algorithm, plaintext: data });
      assert.deepEqual(open(Buffer.from(sealed.result)), data, algorithm);
      const wrapped = await client.wrapKey(algorithm, data);
      assert.deepEqual(open(Buffer.from(wrapped.result)), data, algorithm);
    }
    const ciphertext = crypto.publicEncrypt({ key: pair.publicKey, ...scheme }, data);
    assert.deepEqual(Buffer.from((await service.decrypt({ algorithm, ciphertext })).result), data, algorithm);
    assert.deepEqual(Buffer.from((await service.unwrapKey(algorithm, ciphertext)).result), data, algorithm);
  }
}

/** Takes PKCS #1 v1.5 padding off: 00 02, bytes that are not 0, 00. */
function withoutPadding(sealed) {
  const padded = crypto.privateDecrypt({ key: pair.privateKey, padding: crypto.constants.RSA_NO_PADDING }, sealed);
  assert.deepEqual([padded[0], padded[1]], [0, 2]);
  return padded.subarray(padded.indexOf(0, 2) + 1);
}

async function symmetric() {
  for (const bits of [128, 192, 256]) {
    const k = crypto.randomBytes(bits / 8);
    const iv = crypto.randomBytes(16);
    const keyOps = ["encrypt", "decrypt", "wrapKey", "unwrapKey"];
    const key = await keys.importKey(`aes-${bits}`, { kty: "oct-HSM", k, keyOps }, { hardwareProtected: true });
    const service = remote(key);
    for (const [mode, plaintext] of [["CBC", Buffer.alloc(32, 7)], ["CBCPAD", data]]) {
      const algorithm = `A${bits}${mode}`;
      const cipher = crypto.createCipheriv(`aes-${bits}-cbc`, k, iv).setAutoPadding(mode === "CBCPAD");
      const expected = Buffer.concat([cipher.update(plaintext), cipher.final()]);
      const sealed = await service.encrypt({ algorithm, plaintext, iv });
      assert.deepEqual(Buffer.from(sealed.result), expected, algorithm);
      const opened = await service.decrypt({ algorithm, ciphertext: expected, iv });
      assert.deepEqual(Buffer.from(opened.result), plaintext, algorithm);
    }
    await gcm(bits, k, service);
    const cipher = crypto.createCipheriv(`id-aes${bits}-wrap`, k, Buffer.alloc(8, 0xa6));
    const expected = Buffer.concat([cipher.update(Buffer.alloc(200, 9)), cipher.final()]);
    const algorithm = `A${bits}KW`;
    assert.deepEqual(Buffer.from((await service.wrapKey(algorithm, Buffer.alloc(200, 9))).result), expected);
    assert.deepEqual(Buffer.from((await service.unwrapKey(algorithm, expected)).result), Buffer.alloc(200, 9));
    await refused(service.unwrapKey(algorithm, spoilt(expected)), 400, "BadParameter");
  }
}

async function gcm(bits, k, service) {
  const algorithm = `A${bits}GCM`;
  const additionalAuthenticatedData = Buffer.from("header");
  const sealed = await service.encrypt({ algorithm, plaintext: data, additionalAuthenticatedData });
  const decipher = crypto.createDecipheriv(`aes-${bits}-gcm`, k, sealed.iv).setAAD(additionalAuthenticatedData);
  decipher.setAuthTag(sealed.authenticationTag);
  assert.deepEqual(Buffer.concat([decipher.update(sealed.result), decipher.final()]), data);
  const iv = crypto.randomBytes(12);
  const cipher = crypto.createCipheriv(`aes-${bits}-gcm`, k, iv).setAAD(additionalAuthenticatedData);
  const ciphertext = Buffer.concat([cipher.update(data), cipher.final()]);
  const given = { algorithm, ciphertext, iv, authenticationTag: cipher.getAuthTag(), additionalAuthenticatedData };
  assert.deepEqual(Buffer.from((await service.decrypt(given)).result), data);
  const forged = { ...given, authenticationTag: spoilt(given.authenticationTag) };
  await refused(service.decrypt(forged), 400, "BadParameter");
}

await play(rsaSignatures, ecSignatures, rsaCiphers, symmetric);

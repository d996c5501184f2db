import assert from "node:assert/strict";
import test from "node:test";

import { certificatesOfPem, fromBase64, toBase64Url, toHex, toPem } from "../src/model/bytes.ts";

test("base64url has no padding, and base64 is read, too", () => {
  const bytes = Uint8Array.of(251, 239, 255, 1);
  assert.equal(toBase64Url(bytes), "--__AQ");
  assert.deepEqual(fromBase64("--__AQ"), bytes);
  assert.deepEqual(fromBase64("++//\nAQ=="), bytes);
  assert.throws(() => fromBase64("!"), /not base64/);
  assert.equal(toHex(bytes), "fbefff01");
});

test("PEM has lines of 64 characters", () => {
  const lines = toPem(new Uint8Array(100), "CERTIFICATE").trimEnd().split("\n");
  assert.equal(lines[0], "-----BEGIN CERTIFICATE-----");
  assert.deepEqual(lines.slice(1, -1).map((line) => line.length), [64, 64, 8]);
});

test("the certificates of a PEM file are found among other text", () => {
  const [first, second] = [Uint8Array.of(1, 2), Uint8Array.of(3)];
  const text = `subject=CN=a\n${toPem(first, "CERTIFICATE")}issuer\n${toPem(second, "CERTIFICATE")}`;
  assert.deepEqual(certificatesOfPem(text), [first, second]);
  assert.throws(() => certificatesOfPem(toPem(first, "CERTIFICATE REQUEST")), /no certificate/);
});

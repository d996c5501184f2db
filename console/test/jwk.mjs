import assert from "node:assert/strict";
import test from "node:test";

import { parseJwk } from "../src/pages/keys/jwk.ts";

test("a private key is read, members that are not bytes aside", () => {
  const key = parseJwk(`{"kty": "EC", "crv": "P-256", "x": "AQ", "y": "Ag", "d": "Aw", "kid": "ignored"}`);
  assert.deepEqual(key, { kty: "EC", crv: "P-256", x: Uint8Array.of(1), y: Uint8Array.of(2), d: Uint8Array.of(3) });
});

test("what is wrong is named", () => {
  assert.throws(() => parseJwk("key"), /not JSON/);
  assert.throws(() => parseJwk("null"), /JSON object/);
  assert.throws(() => parseJwk(`{"crv": "P-256"}`), /kty is missing/);
  assert.throws(() => parseJwk(`{"kty": "EC", "d": "*"}`), /d is not base64url/);
  assert.throws(() => parseJwk(`{"kty": "EC", "x": "AQ"}`), /no private or secret part/);
});

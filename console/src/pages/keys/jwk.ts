import { fromBase64 } from "../../model/bytes.js";

/** The members of a JSON Web Key (RFC 7518, section 6) that are bytes. */
const BYTES = ["n", "e", "d", "p", "q", "dp", "dq", "qi", "x", "y", "k"] as const;

/** A private or secret key as the service imports it. */
export type KeyMaterial = { kty: string; crv: string } & { [member in (typeof BYTES)[number]]?: Uint8Array };

/** Reads a JSON Web Key with a private or secret part. Throws, naming the member, if it is malformed. */
export function parseJwk(text: string): KeyMaterial {
  const parsed: unknown = parseJson(text);
  if (typeof parsed !== "object" || parsed === null) {
    throw new Error("a JSON Web Key is a JSON object");
  }
  const jwk = parsed as Record<string, unknown>;
  const material: KeyMaterial = { kty: string(jwk, "kty"), crv: jwk["crv"] === undefined ? "" : string(jwk, "crv") };
  for (const member of BYTES) {
    if (jwk[member] !== undefined) {
      material[member] = bytes(jwk, member);
    }
  }
  if (material.d === undefined && material.k === undefined) {
    throw new Error("the key has no private or secret part: d or k is missing");
  }
  return material;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("this is not JSON");
  }
}

function string(jwk: Record<string, unknown>, member: string): string {
  const value = jwk[member];
  if (typeof value !== "string") {
    throw new Error(`${member} is missing or is not a string`);
  }
  return value;
}

function bytes(jwk: Record<string, unknown>, member: string): Uint8Array {
  try {
    return fromBase64(string(jwk, member));
  } catch {
    throw new Error(`${member} is not base64url`);
  }
}

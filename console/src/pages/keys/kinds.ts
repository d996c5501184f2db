import type { KeyBundle } from "../../gen/strongroom/v1/key_pb.js";
import type { ContainerKind } from "../../model/names.js";

/** A kind of key that can be created. */
export interface KeyKind {
  readonly label: string;
  readonly kty: string;
  readonly keySize?: number;
  readonly crv?: string;
}

const CURVES = ["P-256", "P-384", "P-521", "P-256K"];
const RSA_SIZES = [2048, 3072, 4096];
const AES_SIZES = [256, 192, 128];

/** The kinds of key of a managed HSM, or of a vault, whose keys may be protected by software. */
export function keyKinds(kind: ContainerKind): KeyKind[] {
  const families = (hsm: boolean): KeyKind[] => {
    const [suffix, where] = hsm ? ["-HSM", "HSM"] : ["", "software"];
    return [
      ...CURVES.map((crv) => ({ label: `EC ${crv} (${where})`, kty: `EC${suffix}`, crv })),
      ...RSA_SIZES.map((keySize) => ({ label: `RSA ${keySize} (${where})`, kty: `RSA${suffix}`, keySize })),
    ];
  };
  const aes = AES_SIZES.map((keySize) => ({ label: `AES ${keySize} (HSM)`, kty: "oct-HSM", keySize }));
  return kind === "hsm" ? [...families(true), ...aes] : [...families(false), ...families(true)];
}

/** The type of a key with its curve or size: EC-HSM P-256, RSA 2048. */
export function keyType({ kty, keySize, key }: KeyBundle): string {
  return `${kty} ${kty.startsWith("EC") ? (key?.crv ?? "") : keySize > 0 ? keySize : ""}`.trim();
}

/** An algorithm with the hash whose digest is signed. */
export interface SignatureAlgorithm {
  readonly name: string;
  readonly hash: string;
}

const EC_ALGORITHMS: Readonly<Record<string, SignatureAlgorithm>> = {
  "P-256": { name: "ES256", hash: "SHA-256" },
  "P-256K": { name: "ES256K", hash: "SHA-256" },
  "P-384": { name: "ES384", hash: "SHA-384" },
  "P-521": { name: "ES512", hash: "SHA-512" },
};

export function signatureAlgorithms({ kty, key }: KeyBundle): SignatureAlgorithm[] {
  if (kty.startsWith("EC")) {
    const found = EC_ALGORITHMS[key?.crv ?? ""];
    return found === undefined ? [] : [found];
  }
  const families = kty.startsWith("RSA") ? ["PS", "RS"] : ["HS"];
  return families.flatMap((family) => ["256", "384", "512"].map((bits) => ({ name: `${family}${bits}`, hash: `SHA-${bits}` })));
}

export function encryptionAlgorithms({ kty, keySize }: KeyBundle): string[] {
  if (kty.startsWith("RSA")) {
    return ["RSA-OAEP-256", "RSA-OAEP", "RSA1_5"];
  }
  return kty.startsWith("oct") ? ["GCM", "CBCPAD", "CBC"].map((mode) => `A${keySize}${mode}`) : [];
}

/** Whether the caller chooses the initialization vector: with GCM the service does. */
export function needsIv(algorithm: string): boolean {
  return /CBC(PAD)?$/.test(algorithm);
}

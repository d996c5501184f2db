import type { Principal } from "./config.js";
import { signIn, type Token } from "./session.js";

interface TokenResponse {
  readonly accessToken: string;
  /** In seconds. */
  readonly expiresIn: number;
}

interface ErrorResponse {
  readonly error?: { readonly message?: string };
}

/** Signs in as a principal of the simulator, which needs no password. */
export async function signInAs({ name, id }: Principal): Promise<void> {
  const renew = () => requestToken(name);
  signIn({ name, id, groups: [], token: await renew(), renew });
}

async function requestToken(principal: string): Promise<Token> {
  const response = await fetch("token", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ principal }),
  });
  if (!response.ok) {
    const { error } = (await response.json().catch(() => ({}))) as ErrorResponse;
    throw new Error(error?.message ?? `the service issues no token for ${principal}: status ${response.status}`);
  }
  const { accessToken, expiresIn } = (await response.json()) as TokenResponse;
  return { value: accessToken, expiresAt: Date.now() + expiresIn * 1000 };
}

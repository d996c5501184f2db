// OpenID Connect authorization code flow with PKCE (RFC 7636). The browser leaves the page, so the verifier and the state are kept in
// sessionStorage until the issuer sends it back; they are useless afterwards. Tokens are held in memory only.
import { fromBase64, toBase64Url } from "../model/bytes.js";
import { replaceAddress } from "../router.js";
import type { GatewayConfig } from "./config.js";
import { signIn, type Token } from "./session.js";

const PENDING = "strongroom-console-sign-in";

interface Discovery {
  readonly issuer: string;
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
}

interface TokenResponse {
  readonly access_token: string;
  readonly expires_in?: number;
  readonly refresh_token?: string;
}

interface Pending {
  readonly state: string;
  readonly verifier: string;
  /** The page to return to. */
  readonly hash: string;
}

const redirectUri = () => new URL("/console/", location.origin).href;

async function discover({ issuer }: GatewayConfig): Promise<Discovery> {
  const response = await fetch(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
  if (!response.ok) {
    throw new Error(`the discovery document of ${issuer} cannot be read: status ${response.status}`);
  }
  const found = (await response.json()) as Discovery;
  if (found.issuer.replace(/\/$/, "") !== issuer.replace(/\/$/, "")) {
    throw new Error(`the discovery document of ${issuer} names another issuer, ${found.issuer}`);
  }
  return found;
}

function random(): string {
  return toBase64Url(crypto.getRandomValues(new Uint8Array(32)));
}

/** Names the resource in requests for a code and for access tokens (RFC 8707). */
function resourceOf({ resource }: GatewayConfig): Record<string, string> {
  return resource === undefined ? {} : { resource };
}

/** Leaves the page for that of the issuer. */
export async function beginSignIn(config: GatewayConfig): Promise<void> {
  const { authorization_endpoint } = await discover(config);
  const pending: Pending = { state: random(), verifier: random(), hash: location.hash };
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(pending.verifier));
  const target = new URL(authorization_endpoint);
  const parameters = {
    response_type: "code",
    client_id: config.clientId,
    redirect_uri: redirectUri(),
    scope: config.scopes.join(" "),
    state: pending.state,
    code_challenge: toBase64Url(new Uint8Array(digest)),
    code_challenge_method: "S256",
    ...resourceOf(config),
  };
  for (const [name, value] of Object.entries(parameters)) {
    target.searchParams.set(name, value);
  }
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  location.assign(target);
}

/** Completes the sign-in if the issuer has sent the browser back; otherwise does nothing. */
export async function completeSignIn(config: GatewayConfig): Promise<void> {
  const answer = new URLSearchParams(location.search);
  const stored = sessionStorage.getItem(PENDING);
  sessionStorage.removeItem(PENDING);
  if (!answer.has("state")) {
    return;
  }
  const pending = stored === null ? undefined : (JSON.parse(stored) as Pending);
  replaceAddress(pending?.hash ?? "");
  if (pending === undefined || answer.get("state") !== pending.state) {
    throw new Error("the answer of the issuer belongs to another sign-in; sign in again");
  }
  const code = answer.get("code");
  if (code === null) {
    throw new Error(answer.get("error_description") ?? answer.get("error") ?? "the issuer refused the sign-in");
  }
  const { token_endpoint } = await discover(config);
  const request = { grant_type: "authorization_code", code, redirect_uri: redirectUri(), code_verifier: pending.verifier };
  await establish(config, token_endpoint, request);
}

async function establish(config: GatewayConfig, endpoint: string, request: Record<string, string>): Promise<void> {
  let refreshToken: string | undefined;
  const obtain = async (parameters: Record<string, string>): Promise<Token> => {
    const body = new URLSearchParams({ ...parameters, client_id: config.clientId, ...resourceOf(config) });
    const response = await fetch(endpoint, { method: "POST", body });
    if (!response.ok) {
      throw new Error(`the issuer returns no token: status ${response.status}`);
    }
    const issued = (await response.json()) as TokenResponse;
    refreshToken = issued.refresh_token ?? refreshToken;
    return { value: issued.access_token, expiresAt: Date.now() + (issued.expires_in ?? 3600) * 1000 };
  };
  const token = await obtain(request);
  const claims = readClaims(token.value);
  const id = text(claims["oid"]) ?? text(claims["sub"]) ?? "";
  const renew = async () => {
    if (refreshToken === undefined) {
      throw new Error("there is no refresh token");
    }
    return obtain({ grant_type: "refresh_token", refresh_token: refreshToken });
  };
  const name = text(claims["preferred_username"]) ?? text(claims["name"]) ?? text(claims["appid"]) ?? id;
  const groups = Array.isArray(claims["groups"]) ? claims["groups"].filter((group) => typeof group === "string") : [];
  signIn({ name, id, groups, token, renew });
}

/** Reads the claims of a JSON Web Token without verifying it: the service does that, the console only displays them. */
function readClaims(token: string): Record<string, unknown> {
  try {
    const payload = fromBase64(token.split(".")[1] ?? "");
    return JSON.parse(new TextDecoder().decode(payload)) as Record<string, unknown>;
  } catch {
    // As for its own resources, if the request names no other.
    throw new Error("the access token is no JSON Web Token: the console must request a scope or a resource of the service");
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

import { Store } from "../model/store.js";

/** An access token, which is held in memory only. The service accepts it on all planes. */
export interface Token {
  readonly value: string;
  /** When it expires, by the machine's clock, in milliseconds since 1970. */
  readonly expiresAt: number;
}

/** As whom the console acts. */
export interface Session {
  readonly name: string;
  readonly id: string;
  /** The groups in the access token. The service stores no memberships, so questions about access must name them. */
  readonly groups: readonly string[];
  readonly token: Token;
  /** Obtains a new token without asking. */
  readonly renew: () => Promise<Token>;
}

export const session = new Store<Session | undefined>(undefined);

/** Why there is no session any more, for the page that signs in. */
export const endReason = new Store<string>("");

/** The token is renewed before a call if it expires within this time. */
const MARGIN_MS = 30_000;

let renewal: Promise<boolean> | undefined;

/** The access token, renewed if it is about to expire. */
export async function currentToken(): Promise<string> {
  const current = session.get();
  if (current !== undefined && current.token.expiresAt - Date.now() < MARGIN_MS) {
    await renewToken();
  }
  const token = session.get()?.token.value;
  if (token === undefined) {
    throw new Error("nobody is signed in");
  }
  return token;
}

/** Renews the token; concurrent calls share one renewal. Returns whether there is a new one; otherwise the session has ended. */
export function renewToken(): Promise<boolean> {
  renewal ??= attemptRenewal().finally(() => {
    renewal = undefined;
  });
  return renewal;
}

async function attemptRenewal(): Promise<boolean> {
  const current = session.get();
  if (current === undefined) {
    return false;
  }
  try {
    const token = await current.renew();
    if (session.get() === current) {
      session.set({ ...current, token });
    }
    return true;
  } catch {
    signOut("The access token has expired, and cannot be renewed. Sign in again.");
    return false;
  }
}

export function signIn(next: Session): void {
  endReason.set("");
  session.set(next);
}

export function signOut(reason = ""): void {
  endReason.set(reason);
  session.set(undefined);
}

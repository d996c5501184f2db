import { Store } from "./model/store.js";

/** The page and its parameters, as the fragment of the address says: #/hsms/local/keys/invoices?tab=versions. */
export interface Route {
  /** The decoded segments of the path. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

export const route = new Store<Route>(parse(location.hash));

addEventListener("hashchange", () => route.set(parse(location.hash)));

function parse(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { path: path.split("/").filter(Boolean).map(decode), query: new URLSearchParams(query) };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** The address of a page. */
export function href(...segments: string[]): string {
  return `#/${segments.map(encodeURIComponent).join("/")}`;
}

/** The address of a page with parameters, of which empty ones are left out. */
export function hrefWith(segments: readonly string[], query: Readonly<Record<string, string>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== "");
  return given.length === 0 ? href(...segments) : `${href(...segments)}?${new URLSearchParams(given)}`;
}

export function navigate(...segments: string[]): void {
  location.hash = href(...segments);
}

/** Goes to a page without a new entry in the history, and removes parameters before the fragment. */
export function replaceAddress(hash: string): void {
  history.replaceState(null, "", `${location.pathname}${hash}`);
  route.set(parse(hash));
}

/** Sets parameters of the page without a new entry in the history; empty values are removed. */
export function setQuery(values: Record<string, string>): void {
  const { path, query } = route.get();
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(values)) {
    if (value === "") {
      next.delete(name);
    } else {
      next.set(name, value);
    }
  }
  const text = next.toString();
  history.replaceState(null, "", `${href(...path)}${text === "" ? "" : `?${text}`}`);
  route.set({ path, query: next });
}

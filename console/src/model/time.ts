import { timestampDate, timestampFromMs, type Timestamp } from "@bufbuild/protobuf/wkt";

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Milliseconds since 1970, or undefined if the timestamp is absent. */
export function toMillis(timestamp: Timestamp | undefined): number | undefined {
  return timestamp === undefined ? undefined : timestampDate(timestamp).getTime();
}

export function toTimestamp(millis: number): Timestamp {
  return timestampFromMs(millis);
}

/** UTC to the second, as the command line prints it: 2026-11-30 15:59:18Z. */
export function formatUtc(millis: number): string {
  return new Date(millis).toISOString().replace("T", " ").replace(/\.\d+Z$/, "Z");
}

/** The day in UTC: 2026-11-30. */
export function formatDay(millis: number): string {
  return new Date(millis).toISOString().slice(0, 10);
}

/** The same instant in the time zone of the browser. */
export function formatLocal(millis: number): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" }).format(millis);
}

/** A span in its two largest units: 89 d 23 h, 3 h 12 min, 12 min 3 s. */
export function formatSpan(millis: number): string {
  const seconds = Math.max(0, Math.floor(millis / SECOND));
  const units: [number, string][] = [
    [Math.floor(seconds / 86400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ];
  const first = units.findIndex(([count]) => count > 0);
  if (first < 0) {
    return "0 s";
  }
  return units
    .slice(first, first + 2)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(" ");
}

/** The first instant of the calendar month (UTC) that `offset` months follow. */
export function monthStart(millis: number, offset = 0): number {
  const date = new Date(millis);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset, 1);
}

/** The value of an `<input type="datetime-local">` read as UTC; undefined if it is empty or malformed. */
export function parseUtcInput(text: string): number | undefined {
  const millis = Date.parse(`${text}Z`);
  return Number.isNaN(millis) ? undefined : millis;
}

/** The value of an `<input type="datetime-local">` for an instant, in UTC to the second; empty if it is absent. */
export function formatUtcInput(timestamp: Timestamp | undefined): string {
  const millis = toMillis(timestamp);
  return millis === undefined ? "" : new Date(millis).toISOString().slice(0, 19);
}

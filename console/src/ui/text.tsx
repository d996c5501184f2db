import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { ComponentChildren } from "preact";
import { DAY, formatLocal, formatSpan, formatUtc, toMillis } from "../model/time.js";
import { announce } from "./announce.js";
import { useServiceNow } from "./hooks.js";

/** An instant in UTC, with the local time as its title. */
export function Instant({ at }: { at: Timestamp | number | undefined }) {
  const millis = typeof at === "number" ? at : toMillis(at);
  if (millis === undefined) {
    return <span class="absent">—</span>;
  }
  return (
    <time dateTime={new Date(millis).toISOString()} title={formatLocal(millis)}>
      {formatUtc(millis)}
    </time>
  );
}

/** The time that is left until an instant of the service's clock. */
export function Countdown({ to }: { to: Timestamp | undefined }) {
  const now = useServiceNow();
  const due = toMillis(to);
  if (due === undefined || now === undefined) {
    return <span class="absent">—</span>;
  }
  const left = due - now;
  const urgency = left <= DAY ? "urgent" : left <= 7 * DAY ? "soon" : "";
  return <span class={`countdown ${urgency}`}>{left <= 0 ? "due" : formatSpan(left)}</span>;
}

export type Tone = "good" | "warn" | "bad" | "neutral";

/** A state in a word, with a mark that does not depend on colour. */
export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

export function Enabled({ on }: { on: boolean }) {
  return <Badge tone={on ? "good" : "warn"}>{on ? "enabled" : "disabled"}</Badge>;
}

export function Tags({ tags }: { tags: Readonly<Record<string, string>> }) {
  const entries = Object.entries(tags).sort(([left], [right]) => left.localeCompare(right));
  if (entries.length === 0) {
    return <span class="absent">none</span>;
  }
  return (
    <ul class="tags">
      {entries.map(([name, value]) => (
        <li key={name}>
          <b>{name}</b>
          {value !== "" && <span>{value}</span>}
        </li>
      ))}
    </ul>
  );
}

/** Names and values side by side. Rows whose value is undefined are left out. */
export function Facts({ rows }: { rows: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts wide">
      {rows
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

/** A text to be copied. */
export function Copyable({ text, label }: { text: string; label: string }) {
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => announce(`${label} copied`),
      () => announce("The browser does not permit to copy; select the text instead."),
    );
  return (
    <span class="copyable">
      <code>{text}</code>
      <button type="button" class="quiet" aria-label={`Copy ${label}`} onClick={() => void copy()}>
        Copy
      </button>
    </span>
  );
}

/** Offers a text as a file. */
export function download(name: string, type: string, content: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

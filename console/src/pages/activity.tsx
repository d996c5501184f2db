import { useEffect, useRef, useState } from "preact/hooks";
import { lifecycle } from "../api/clients.js";
import { type Failure, isCancelled, isTransient, toFailure } from "../api/failure.js";
import type { LifecycleEvent } from "../gen/strongroom/v1/lifecycle_pb.js";
import { fetchInventory, type Inventory, knownContainers } from "../model/containers.js";
import { dataPlane } from "../model/names.js";
import { useStore } from "../model/store.js";
import { toMillis } from "../model/time.js";
import { route, setQuery } from "../router.js";
import { FailurePanel, Show } from "../ui/failure.js";
import { CheckField, TextField } from "../ui/fields.js";
import { useLoad } from "../ui/hooks.js";
import { Table } from "../ui/table.js";
import { Badge, Instant } from "../ui/text.js";
import { NothingKnown } from "./containers/open.js";

/** The most events that are kept. */
const LIMIT = 500;

/** The time before a stream that has ended is opened again. */
const RECONNECT_MS = 2000;

/** What happens to containers, their contents and budgets, as it happens. */
export function ActivityPage() {
  const parents = useLoad(async () => watchable(await fetchInventory()), []);
  return (
    <>
      <h1 tabIndex={-1}>Activity</h1>
      <p class="lead">Lifecycle events of all that this principal may list, as they happen. Retained events are shown first.</p>
      <Show of={parents} what="what can be watched">
        {(found) => (found.length === 0 ? <NothingKnown then="and its events are shown here." /> : <Tail parents={found} />)}
      </Show>
    </>
  );
}

/** What a stream can be opened for. */
function watchable(inventory: Inventory): string[] {
  const subscriptions = inventory.subscriptions.flatMap(({ name }) => [name, `${name}/vaults`, `${name}/budgets`]);
  const contents = knownContainers(inventory).flatMap((container) => {
    const name = dataPlane(container);
    return container.kind === "hsm" ? [name] : [name, `${name}/secrets`, `${name}/certificates`];
  });
  return [...subscriptions, ...contents];
}

interface Stream {
  readonly state: "open" | "waiting" | "ended";
  readonly failure: Failure | undefined;
}

function Tail({ parents }: { parents: readonly string[] }) {
  const { query } = useStore(route);
  const text = query.get("q") ?? "";
  const [paused, setPaused] = useState(false);
  const { events, streams } = useEvents(parents);
  const held = useRef<readonly LifecycleEvent[]>([]);
  if (!paused) {
    held.current = events;
  }
  const shown = held.current.filter(({ kind, subject }) => `${kind} ${subject}`.toLowerCase().includes(text.toLowerCase()));
  const open = [...streams.values()].filter(({ state }) => state === "open").length;
  const refused = [...streams].filter(([, { state }]) => state === "ended");
  return (
    <>
      <div class="filters" role="search">
        <TextField label="Filter" type="search" hint="Kind or name, for example key.rotated." value={text} onChange={(q) => setQuery({ q })} />
        <CheckField label="Pause" checked={paused} onChange={setPaused} />
      </div>
      <p class="summary" role="status">
        <Badge tone={open > 0 ? "good" : "warn"}>
          {open} of {parents.length} streams are open
        </Badge>
      </p>
      <Table
        caption="Lifecycle events"
        hideCaption
        columns={[
          { head: "When", cell: ({ at }: LifecycleEvent) => <Instant at={at} /> },
          { head: "Event", cell: ({ kind }) => <code class="nowrap">{kind}</code> },
          { head: "Subject", title: true, cell: ({ subject }) => subject },
          { head: "Scheduled purge", cell: ({ scheduledPurgeAt }) => <Instant at={scheduledPurgeAt} /> },
          ...(shown.some(({ expires }) => expires !== undefined)
            ? [{ head: "Expires", cell: ({ expires }: LifecycleEvent) => <Instant at={expires} /> }]
            : []),
        ]}
        rows={shown}
        rowKey={({ resumeToken, subject }) => `${resumeToken} ${subject}`}
        empty={events.length === 0 ? "No event yet." : "No event matches the filter."}
      />
      {refused.length > 0 && (
        <details class="card refused">
          <summary>
            {refused.length} {refused.length === 1 ? "stream has" : "streams have"} ended
          </summary>
          {refused.map(([parent, { failure }]) => (
            <section key={parent}>
              <h3>{parent}</h3>
              {failure !== undefined && <FailurePanel failure={failure} />}
            </section>
          ))}
        </details>
      )}
    </>
  );
}

/** Follows all parents; the newest event is first. */
function useEvents(parents: readonly string[]) {
  const [events, setEvents] = useState<readonly LifecycleEvent[]>([]);
  const [streams, setStreams] = useState<ReadonlyMap<string, Stream>>(new Map());
  useEffect(() => {
    const leaving = new AbortController();
    const report = (parent: string, stream: Stream) => setStreams((previous) => new Map(previous).set(parent, stream));
    const receive = (next: readonly LifecycleEvent[]) => {
      const time = ({ at }: LifecycleEvent) => toMillis(at) ?? 0;
      setEvents((previous) => [...next, ...previous].sort((left, right) => time(right) - time(left)).slice(0, LIMIT));
    };
    parents.forEach((parent) => void follow(parent, leaving.signal, receive, (stream) => report(parent, stream)));
    return () => leaving.abort();
  }, [parents.join()]);
  return { events, streams };
}

/** Follows one parent. A stream that ends without a refusal is opened again where it ended. */
async function follow(
  parent: string,
  signal: AbortSignal,
  receive: (events: readonly LifecycleEvent[]) => void,
  report: (stream: Stream) => void,
): Promise<void> {
  let resumeToken = "0";
  while (!signal.aborted) {
    try {
      report({ state: "waiting", failure: undefined });
      for await (const message of lifecycle.watchLifecycle({ parent, resumeToken }, { signal })) {
        report({ state: "open", failure: undefined });
        resumeToken = message.resumeToken;
        if (message.events.length > 0) {
          receive(message.events);
        }
      }
    } catch (error) {
      if (isCancelled(error) || signal.aborted) {
        return;
      }
      const failure = toFailure(error);
      if (!isTransient(failure)) {
        report({ state: "ended", failure });
        return;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
  }
}

import { useEffect, useRef, useState } from "preact/hooks";
import { audit } from "../../api/clients.js";
import { type Failure, isCancelled, isTransient, toFailure } from "../../api/failure.js";
import type { AuditLogState, AuditRecord } from "../../gen/strongroom/v1/audit_pb.js";
import { parseUtcInput, toMillis, toTimestamp } from "../../model/time.js";
import { objectId } from "../../session/config.js";
import type { Filter } from "./record.js";

/** The records of a page, and how far the log was searched. */
export interface Records {
  /** Newest first. */
  readonly items: readonly AuditRecord[];
  /** The token of the next older page; empty if there is none, undefined before the first page. */
  readonly older: string | undefined;
  /** How far the log was read, in milliseconds since 1970. */
  readonly searchedTo: number | undefined;
  readonly log: AuditLogState | undefined;
  readonly busy: boolean;
  readonly failure: Failure | undefined;
  /** Whether new records arrive. */
  readonly live: boolean;
  readonly next: () => void;
}

type State = Omit<Records, "next">;

const START: State = { items: [], older: undefined, searchedTo: undefined, log: undefined, busy: true, failure: undefined, live: false };

/** The records that one press of the button looks for, and the calls that it makes at most. */
const PAGE_SIZE = 100;
const MOST_CALLS = 8;

/** The most records that are kept. */
const LIMIT = 2000;

/** Typing is not worth a search for each letter. */
const DELAY_MS = 300;

/** The time before a stream that has ended is opened again. */
const RECONNECT_MS = 2000;

/** Fetches the newest records at once, and older ones on request. With `live`, new ones are added as they are written. */
export function useRecords(filter: Filter, live: boolean): Records {
  const [state, setState] = useState<State>(START);
  const running = useRef(new AbortController());
  const key = JSON.stringify([filter, live]);

  const load = async (pageToken: string, signal: AbortSignal) => {
    const update = (change: (previous: State) => State) => !signal.aborted && setState(change);
    update((previous) => ({ ...previous, busy: true, failure: undefined }));
    let token = pageToken;
    let found = 0;
    try {
      // The service reads a limited part of the log in a call.
      for (let calls = 0; calls < MOST_CALLS && found < PAGE_SIZE; calls += 1) {
        const page = await audit.listAuditRecords({ ...request(filter), ...period(filter), pageSize: PAGE_SIZE, pageToken: token }, { signal });
        found += page.records.length;
        token = page.nextPageToken;
        update((previous) => ({
          ...previous,
          items: merge(previous.items, page.records),
          older: token,
          searchedTo: toMillis(page.searchedTo) ?? previous.searchedTo,
          log: page.log ?? previous.log,
        }));
        if (token === "") {
          break;
        }
      }
      update((previous) => ({ ...previous, busy: false }));
    } catch (error) {
      update((previous) => ({ ...previous, busy: false, failure: toFailure(error) }));
    }
  };

  useEffect(() => {
    const leaving = new AbortController();
    running.current = leaving;
    setState(START);
    const start = () => {
      if (live) {
        // The stream begins before the list, so that no record is missed between them.
        void follow(filter, leaving.signal, setState, () => void load("", leaving.signal));
      } else {
        void load("", leaving.signal);
      }
    };
    const timer = setTimeout(start, DELAY_MS);
    return () => {
      clearTimeout(timer);
      leaving.abort();
    };
  }, [key]);

  return { ...state, next: () => void load(state.older ?? "", running.current.signal) };
}

function request({ at: parent, operation, principal, result, target }: Filter) {
  return { parent, operation, principal: objectId(principal), result, target };
}

function period({ from, to }: Filter) {
  const instant = (text: string) => {
    const millis = parseUtcInput(text);
    return millis === undefined ? undefined : toTimestamp(millis);
  };
  const [start, end] = [instant(from), instant(to)];
  return { ...(start && { from: start }), ...(end && { to: end }) };
}

/** The records of both, each once, newest first. */
function merge(left: readonly AuditRecord[], right: readonly AuditRecord[]): AuditRecord[] {
  const all = new Map([...left, ...right].map((record) => [record.sequenceNumber, record]));
  return [...all.values()].sort((one, other) => (one.sequenceNumber < other.sequenceNumber ? 1 : -1));
}

/** Follows the log. A stream that ends without a refusal is opened again where it ended. */
async function follow(
  filter: Filter,
  signal: AbortSignal,
  setState: (change: (previous: State) => State) => void,
  opened: () => void,
): Promise<void> {
  const update = (change: (previous: State) => State) => !signal.aborted && setState(change);
  let resumeToken = "";
  while (!signal.aborted) {
    try {
      for await (const message of audit.watchAuditRecords({ ...request(filter), resumeToken }, { signal })) {
        const isFirst = resumeToken === "";
        resumeToken = message.resumeToken;
        update((previous) => ({
          ...previous,
          live: true,
          items: merge(previous.items, message.records).slice(0, LIMIT),
          log: message.log ?? previous.log,
        }));
        if (isFirst) {
          opened();
        }
      }
    } catch (error) {
      if (isCancelled(error) || signal.aborted) {
        return;
      }
      const failure = toFailure(error);
      if (!isTransient(failure)) {
        update((previous) => ({ ...previous, live: false, busy: false, failure }));
        return;
      }
    }
    update((previous) => ({ ...previous, live: false }));
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
  }
}

import { useEffect, useRef, useState } from "preact/hooks";
import { type Failure, toFailure } from "../api/failure.js";

/** A list that is fetched page by page. */
export interface Pages<T> {
  readonly items: readonly T[];
  /** Whether there are further pages. */
  readonly more: boolean;
  readonly busy: boolean;
  readonly failure: Failure | undefined;
  readonly next: () => void;
  /** Fetches all pages, which a search needs. */
  readonly all: () => void;
  readonly reload: () => void;
}

export interface PageRequest {
  readonly pageSize: number;
  readonly pageToken: string;
}

interface State<T> {
  readonly items: readonly T[];
  /** Undefined before the first page. */
  readonly token: string | undefined;
  readonly busy: boolean;
  readonly failure: Failure | undefined;
}

const START = { items: [], token: undefined, busy: true, failure: undefined };
const PAGE_SIZE = 100;

/** Fetches the first page at once, and more of them on request. */
export function usePages<T>(fetch: (page: PageRequest) => Promise<{ items: T[]; nextPageToken: string }>, inputs: readonly unknown[]): Pages<T> {
  const [state, setState] = useState<State<T>>(START);
  const [round, setRound] = useState(0);
  const generation = useRef(0);

  const load = async (from: State<T>, toEnd: boolean) => {
    const mine = ++generation.current;
    let { items, token } = from;
    setState({ items, token, busy: true, failure: undefined });
    try {
      do {
        const page = await fetch({ pageSize: toEnd ? 1000 : PAGE_SIZE, pageToken: token ?? "" });
        items = [...items, ...page.items];
        token = page.nextPageToken;
        if (generation.current !== mine) {
          return;
        }
        setState({ items, token, busy: toEnd && token !== "", failure: undefined });
      } while (toEnd && token !== "");
    } catch (error) {
      if (generation.current === mine) {
        setState({ items, token, busy: false, failure: toFailure(error) });
      }
    }
  };

  useEffect(() => {
    void load(START, false);
    return () => {
      generation.current += 1;
    };
  }, [...inputs, round]);

  const more = state.token !== undefined && state.token !== "";
  return {
    items: state.items,
    more,
    busy: state.busy,
    failure: state.failure,
    next: () => void load(state, false),
    all: () => {
      if (more && !state.busy) {
        void load(state, true);
      }
    },
    reload: () => setRound((previous) => previous + 1),
  };
}

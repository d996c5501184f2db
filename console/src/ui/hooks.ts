import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { type Failure, isCancelled, toFailure } from "../api/failure.js";
import { type Question, rememberRefusal } from "../access/verdict.js";
import { clockReading, serviceNow } from "../model/clock.js";
import { SECOND } from "../model/time.js";

/** Something that is fetched for a page. While it is fetched again, the previous value stays. */
export interface Loaded<T> {
  readonly value: T | undefined;
  readonly failure: Failure | undefined;
  readonly busy: boolean;
  readonly reload: () => void;
}

/** Fetches when the component appears and when an input changes. An answer that comes too late is dropped. */
export function useLoad<T>(load: () => Promise<T>, inputs: readonly unknown[]): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, "reload">>({ value: undefined, failure: undefined, busy: true });
  const [round, setRound] = useState(0);
  const reload = useCallback(() => setRound((previous) => previous + 1), []);
  const source = useRef("");
  useEffect(() => {
    let current = true;
    const identity = JSON.stringify(inputs);
    // Other inputs mean another thing: its predecessor must not be shown for it.
    const keep = source.current === identity;
    source.current = identity;
    setState((previous) => ({ value: keep ? previous.value : undefined, failure: undefined, busy: true }));
    load().then(
      (value) => current && setState({ value, failure: undefined, busy: false }),
      (error: unknown) => current && setState({ value: undefined, failure: toFailure(error), busy: false }),
    );
    return () => {
      current = false;
    };
  }, [...inputs, round]);
  return { ...state, reload };
}

/** A change that the user asks for. */
export interface Task {
  readonly busy: boolean;
  readonly failure: Failure | undefined;
  /** Runs the change; returns whether it succeeded. */
  readonly run: (change: () => Promise<unknown>) => Promise<boolean>;
  readonly clear: () => void;
}

/** Runs changes one at a time. A refusal is remembered as the answer to `question`, so that the button says it from then on. */
export function useTask(question?: Question): Task {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | undefined>(undefined);
  const running = useRef(false);
  const run = async (change: () => Promise<unknown>): Promise<boolean> => {
    if (running.current) {
      return false;
    }
    running.current = true;
    setBusy(true);
    setFailure(undefined);
    try {
      await change();
      return true;
    } catch (error) {
      if (!isCancelled(error)) {
        const failed = toFailure(error);
        rememberRefusal(question, failed);
        setFailure(failed);
      }
      return false;
    } finally {
      running.current = false;
      setBusy(false);
    }
  };
  return { busy, failure, run, clear: () => setFailure(undefined) };
}

/** The service's time, with a new value every second and when the clock is advanced, frozen or resumed. Undefined before it is known. */
export function useServiceNow(): number | undefined {
  const [now, setNow] = useState(serviceNow);
  useEffect(() => {
    const update = () => setNow(serviceNow());
    const timer = setInterval(update, SECOND);
    const leave = clockReading.follow(update);
    return () => {
      clearInterval(timer);
      leave();
    };
  }, []);
  return now;
}

/** The time since `busy` became true, in whole seconds. */
export function useElapsed(busy: boolean): number {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    setSeconds(0);
    if (!busy) {
      return undefined;
    }
    const timer = setInterval(() => setSeconds((previous) => previous + 1), SECOND);
    return () => clearInterval(timer);
  }, [busy]);
  return seconds;
}

import { clock } from "../api/clients.js";
import type { Clock } from "../gen/strongroom/v1/clock_pb.js";
import { session } from "../session/session.js";
import { Store } from "./store.js";
import { MINUTE, toMillis } from "./time.js";

/** The service's clock as it was read last. */
interface Reading {
  readonly clock: Clock;
  readonly now: number;
  /** When it was read, in milliseconds of the browser's monotonic clock. */
  readonly readAt: number;
}

export const clockReading = new Store<Reading | undefined>(undefined);

/** Countdowns and due dates follow the service's clock, never that of the browser. Undefined before it is known. */
export function serviceNow(): number | undefined {
  const reading = clockReading.get();
  if (reading === undefined) {
    return undefined;
  }
  if (reading.clock.frozen) {
    return reading.now;
  }
  // A clock that is behind runs at half speed until the machine's clock has caught up.
  const speed = reading.clock.standing === "behind" ? 0.5 : 1;
  return reading.now + (performance.now() - reading.readAt) * speed;
}

/** Takes a state of the clock that the service returned. */
export function setClock(next: Clock): void {
  const now = toMillis(next.now);
  if (now !== undefined) {
    clockReading.set({ clock: next, now, readAt: performance.now() });
  }
}

export async function readClock(): Promise<void> {
  setClock(await clock.getClock({}));
}

/** Reads the clock now and then while somebody is signed in. Others may turn it, too. */
export function followClock(): void {
  const read = () => {
    if (session.get() !== undefined && !document.hidden) {
      // The next attempt follows soon, and calls of the page itself report what is wrong.
      readClock().catch(() => undefined);
    }
  };
  session.follow(read);
  setInterval(read, MINUTE / 2);
}

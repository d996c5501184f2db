import { clockReading } from "../model/clock.js";
import { useStore } from "../model/store.js";
import { useServiceNow } from "./hooks.js";
import { Instant } from "./text.js";

/** The service's time, and whether it stands still or is not trusted. */
export function ClockDisplay() {
  const reading = useStore(clockReading);
  const now = useServiceNow();
  if (reading === undefined || now === undefined) {
    return <span class="clock" />;
  }
  const { frozen, standing } = reading.clock;
  const state = frozen ? "frozen" : standing === "running" || standing === "" ? undefined : standing;
  return (
    <span class="clock">
      Service time <Instant at={now} />
      {state !== undefined && <b> {state}</b>}
    </span>
  );
}

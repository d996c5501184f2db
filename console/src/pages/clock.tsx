import { useState } from "preact/hooks";
import { clock } from "../api/clients.js";
import type { Happening } from "../gen/strongroom/v1/clock_pb.js";
import { clockReading, readClock, setClock } from "../model/clock.js";
import { useStore } from "../model/store.js";
import { DAY, formatUtc, formatUtcInput, parseUtcInput, toTimestamp } from "../model/time.js";
import { announce } from "../ui/announce.js";
import { ConfirmDialog } from "../ui/dialog.js";
import { FailurePanel, Show } from "../ui/failure.js";
import { SelectField, TextField } from "../ui/fields.js";
import { useLoad, useServiceNow, useTask } from "../ui/hooks.js";
import { Table } from "../ui/table.js";
import { Badge, Instant } from "../ui/text.js";
import { type DueEvent, fetchDue } from "./due.js";

/** The virtual clock of the simulator. */
export function ClockPage() {
  const reading = useStore(clockReading);
  const now = useServiceNow();
  const [happenings, setHappenings] = useState<readonly Happening[] | undefined>(undefined);
  const due = useLoad(fetchDue, []);
  const advanced = (next: readonly Happening[]) => {
    setHappenings(next);
    due.reload();
  };
  return (
    <>
      <h1 tabIndex={-1}>Clock</h1>
      <p class="lead">
        Retention, key validity, rotation and costs follow this clock. Advancing it runs the work that comes due, and cannot be undone.
      </p>
      <section class="card">
        <p class="clock-now">
          <Instant at={now} /> {reading !== undefined && <Badge tone={reading.clock.frozen ? "warn" : "good"}>{reading.clock.frozen ? "frozen" : "running"}</Badge>}
        </p>
        <Hold frozen={reading?.clock.frozen ?? false} />
      </section>
      <Show of={due} what="what comes due">
        {(events) => <Advance events={events} now={now} done={advanced} />}
      </Show>
      {happenings !== undefined && <Happenings of={happenings} />}
    </>
  );
}

function Hold({ frozen }: { frozen: boolean }) {
  const task = useTask();
  const change = async () => {
    if (await task.run(async () => setClock(await (frozen ? clock.resumeClock({}) : clock.freezeClock({}))))) {
      announce(frozen ? "The clock runs" : "The clock is frozen");
    }
  };
  return (
    <>
      <button type="button" disabled={task.busy} onClick={() => void change()}>
        {frozen ? "Resume" : "Freeze"}
      </button>
      {task.failure !== undefined && <FailurePanel failure={task.failure} />}
    </>
  );
}

interface AdvanceProps {
  events: readonly DueEvent[];
  now: number | undefined;
  done: (happenings: readonly Happening[]) => void;
}

function Advance({ events, now = 0, done }: AdvanceProps) {
  const next = events.find(({ at }) => at > now);
  const [by, setBy] = useState("days");
  const [days, setDays] = useState("1");
  const [until, setUntil] = useState(formatUtcInput(toTimestamp(now + DAY)));
  const [confirming, setConfirming] = useState(false);
  const target = by === "days" ? now + Number(days) * DAY : by === "next" ? next?.at : parseUtcInput(until);
  const affected = events.filter(({ at }) => target !== undefined && at <= target);
  const ready = target !== undefined && Number.isFinite(target) && target > now;
  const advance = async () => {
    const request =
      by === "days"
        ? { case: "by" as const, value: { seconds: BigInt(Math.round(Number(days) * 86400)) } }
        : { case: "to" as const, value: toTimestamp(target ?? 0) };
    const reply = await clock.advanceClock({ target: request });
    await readClock();
    done(reply.happenings);
  };
  return (
    <section class="card">
      <h2>Advance</h2>
      <form
        class="inline-form"
        onSubmit={(event) => {
          event.preventDefault();
          setConfirming(true);
        }}
      >
        <SelectField
          label="How far"
          value={by}
          onChange={setBy}
          options={[
            { value: "days", label: "By days" },
            { value: "to", label: "To an instant" },
            ...(next === undefined ? [] : [{ value: "next", label: "To the next due event" }]),
          ]}
        />
        {by === "days" && <TextField label="Days" type="number" value={days} onChange={setDays} />}
        {by === "to" && <TextField label="Instant (UTC)" type="datetime-local" value={until} onChange={setUntil} />}
        <button type="submit" class="primary" disabled={!ready}>
          Advance…
        </button>
      </form>
      <h3>{ready ? `What will happen until ${formatUtc(target)}` : "What will happen"}</h3>
      <DueTable events={affected} />
      <p class="note">
        The list has purges of deleted items that this principal may list, and budgets. Rotations, renewals and expiries happen, too.
      </p>
      {confirming && target !== undefined && (
        <ConfirmDialog
          title={`Advance the clock to ${formatUtc(target)}?`}
          confirm="Advance"
          danger={affected.some(({ purge }) => purge)}
          done="The clock is advanced"
          change={advance}
          onClose={() => setConfirming(false)}
        >
          <p>
            {affected.length === 0
              ? "No purge is known that comes due until then. The clock never goes back."
              : `${affected.filter(({ purge }) => purge).length} deleted items are purged. The clock never goes back.`}
          </p>
        </ConfirmDialog>
      )}
    </section>
  );
}

function DueTable({ events }: { events: readonly DueEvent[] }) {
  return (
    <Table
      caption="What will happen"
      hideCaption
      columns={[
        { head: "When", cell: ({ at }: DueEvent) => <Instant at={at} /> },
        { head: "What", cell: ({ what }) => what },
        { head: "Subject", title: true, cell: ({ subject }) => subject },
      ]}
      rows={events}
      rowKey={({ at, subject }) => `${at} ${subject}`}
      empty="Nothing that is known comes due until then."
    />
  );
}

function Happenings({ of }: { of: readonly Happening[] }) {
  return (
    <section class="card">
      <h2>What has happened</h2>
      <Table
        caption="What has happened"
        hideCaption
        columns={[
          { head: "When", cell: ({ at }: Happening) => <Instant at={at} /> },
          { head: "What", cell: ({ what }) => describe(what.case) },
          { head: "Subject", title: true, cell: ({ what }) => what.value ?? "" },
        ]}
        rows={of}
        rowKey={({ at, what }) => `${at?.seconds} ${what.case} ${what.value}`}
        empty="Nothing came due."
      />
    </section>
  );
}

/** notRotatedKey becomes: not rotated key. */
function describe(name: string | undefined): string {
  return (name ?? "another event").replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

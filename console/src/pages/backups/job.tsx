import { lastSegment } from "../../model/names.js";
import { Badge, Copyable, Facts, Instant, type Tone } from "../../ui/text.js";
import type { SeenJob } from "./jobs.js";

const TONES: Readonly<Record<string, Tone>> = { Succeeded: "good", Failed: "bad" };

/** What a job does that was started elsewhere: the service does not keep the storage of a job. */
const TITLES: Readonly<Record<string, string>> = {
  BackupCheck: "Check of a backup",
  RestoreCheck: "Check of a restore",
  KeyRestore: "Restore of a key",
};

/** A job with its progress and its result. */
export function JobCard({ seen: { job, title, lost } }: { seen: SeenJob }) {
  const { name, kind, status, statusDetails, errorReason, errorMessage, started, ended, folderUri, keysDone, keysTotal } = job;
  const id = lastSegment(name);
  return (
    <article class="card" aria-label={`Job ${id}`} aria-busy={status === "InProgress" && lost === ""}>
      <h3>
        {title || (TITLES[kind] ?? kind)} <Badge tone={TONES[status] ?? "neutral"}>{status}</Badge>
      </h3>
      {status === "InProgress" && lost === "" && <Progress done={keysDone} total={keysTotal} />}
      {lost !== "" && (
        <p class="notice" role="alert">
          It is not followed any more: {lost}
        </p>
      )}
      <Facts
        rows={[
          ["Job", <Copyable text={id} label="job" />],
          ["Started", <Instant at={started} />],
          ["Ended", ended === undefined ? undefined : <Instant at={ended} />],
          ["Details", statusDetails || undefined],
          ["Folder", folderUri === "" ? undefined : <Copyable text={folderUri} label="folder" />],
          ["Reason", errorReason === "" ? undefined : <code>{errorReason}</code>],
          ["Error", errorMessage || undefined],
        ]}
      />
    </article>
  );
}

/** The number of keys that will be processed is not known while a backup is read. */
function Progress({ done, total }: { done: bigint; total: bigint }) {
  const label = total === 0n ? `${done} keys` : `${done} of ${total} keys`;
  return (
    <p class="progress" role="status">
      {total === 0n ? <progress aria-label="Progress" /> : <progress aria-label="Progress" max={Number(total)} value={Number(done)} />} {label}
    </p>
  );
}

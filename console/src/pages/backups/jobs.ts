import { backups } from "../../api/clients.js";
import { isTransient, type Refusal, toFailure } from "../../api/failure.js";
import type { BackupJob } from "../../gen/strongroom/v1/backup_pb.js";
import { Store } from "../../model/store.js";
import { session } from "../../session/session.js";

/** A job as it was seen last. */
export interface SeenJob {
  readonly job: BackupJob;
  /** What it does, if it was started here. */
  readonly title: string;
  /** Why it is not followed any more. */
  readonly lost: string;
}

/** The jobs that the service has listed and those that were started in this session, by name. */
export const seenJobs = new Store<ReadonlyMap<string, SeenJob>>(new Map());

session.follow((current) => {
  if (current === undefined) {
    seenJobs.set(new Map());
  }
});

function see(job: BackupJob, title: string, lost = ""): void {
  const before = seenJobs.get();
  const known = before.get(job.name);
  const seen = { job, title: title || known?.title || "", lost };
  seenJobs.set(new Map(before).set(job.name, seen));
}

/** The jobs whose messages are being received. */
const followed = new Set<string>();

/** Shows a job from now on, and follows it until it ends. A job that is followed already has a newer state. */
export function followJob(job: BackupJob, title: string): void {
  const { name } = job;
  if (followed.has(name)) {
    return;
  }
  see(job, title);
  if (job.status === "InProgress") {
    followed.add(name);
    void watch(job, title).finally(() => followed.delete(name));
  }
}

/** Shows the jobs that the service keeps of an HSM. Returns which of its two lists failed. */
export async function loadJobs(hsm: string): Promise<readonly Refusal[]> {
  const [backup, restore] = await Promise.all([
    backups.listBackupJobs({ parent: hsm }).then(({ backupJobs }) => backupJobs, toFailure),
    backups.listRestoreJobs({ parent: hsm }).then(({ restoreJobs }) => restoreJobs, toFailure),
  ]);
  const refused: Refusal[] = [];
  const lists = [{ what: "backups", listed: backup }, { what: "restores", listed: restore }];
  for (const { what, listed } of lists) {
    if (Array.isArray(listed)) {
      listed.forEach((job) => followJob(job, ""));
    } else {
      refused.push({ what, failure: listed });
    }
  }
  return refused;
}

/** How often a broken connection is tried again. */
const ATTEMPTS = 5;
const RETRY_MS = 2000;

async function watch(started: BackupJob, title: string): Promise<void> {
  let last = started;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    try {
      const { name } = started;
      const messages = name.includes("/restoreJobs/") ? backups.watchRestoreJob({ name }) : backups.watchBackupJob({ name });
      for await (const job of messages) {
        last = job;
        see(job, title);
      }
      return;
    } catch (error) {
      const failure = toFailure(error);
      if (!isTransient(failure)) {
        see(last, title, failure.message);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
  see(last, title, "the service cannot be reached");
}

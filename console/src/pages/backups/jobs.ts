import { backups } from "../../api/clients.js";
import { isTransient, toFailure } from "../../api/failure.js";
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

/** The jobs that were started or looked up in this session, by name, the newest first. The service lists none. */
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
  seenJobs.set(known === undefined ? new Map([[job.name, seen], ...before]) : new Map(before).set(job.name, seen));
}

/** Shows a job from now on, and follows it until it ends. */
export function followJob(job: BackupJob, title: string): void {
  see(job, title);
  if (job.status === "InProgress") {
    void watch(job, title);
  }
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

/** Looks up a job by its resource name, or by the identifier at its end. */
export async function findJob(hsm: string, text: string): Promise<void> {
  if (text.includes("/")) {
    followJob(await getJob(text), "");
    return;
  }
  const [backup, restore] = ["backupJobs", "restoreJobs"].map((collection) => `${hsm}/${collection}/${text}`);
  followJob(await getJob(backup ?? "").catch(() => getJob(restore ?? "")), "");
}

function getJob(name: string): Promise<BackupJob> {
  return name.includes("/restoreJobs/") ? backups.getRestoreJob({ name }) : backups.getBackupJob({ name });
}

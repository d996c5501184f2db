import { useState } from "preact/hooks";
import { ACTIONS } from "../../access/actions.js";
import { containerQuestion } from "../../access/verdict.js";
import { backups } from "../../api/clients.js";
import { type Container, dataPlane } from "../../model/names.js";
import { useStore } from "../../model/store.js";
import { toMillis } from "../../model/time.js";
import { ActionButton } from "../../ui/button.js";
import { FailurePanel, Show } from "../../ui/failure.js";
import { useLoad, useTask } from "../../ui/hooks.js";
import { Refused } from "../../ui/refused.js";
import { RestoreDialog } from "./restore.js";
import { JobCard } from "./job.js";
import { followJob, loadJobs, type SeenJob, seenJobs } from "./jobs.js";
import { EMPTY_STORAGE, isReady, type Storage, StorageFields, toRequest } from "./storage.js";

type Open = { readonly what: "restore" | "key" } | undefined;

/** Full backups of a managed HSM, and restores from them. */
export function Backups({ hsm }: { hsm: Container }) {
  return (
    <>
      <p class="note">
        A full backup has the keys of the HSM, its roles and settings. One job of an HSM runs at a time. To restore it elsewhere, the{" "}
        security domain is needed.
      </p>
      <Backup hsm={hsm} />
      <Restore hsm={hsm} />
      <Jobs name={dataPlane(hsm)} />
    </>
  );
}

/** The last jobs of the HSM, which the service keeps. */
function Jobs({ name }: { name: string }) {
  const listed = useLoad(() => loadJobs(name), [name]);
  const seen = [...useStore(seenJobs).values()].filter(({ job }) => job.name.startsWith(`${name}/`));
  const jobs = seen.sort((one, other) => startOf(other) - startOf(one));
  return (
    <section>
      <h2>Jobs</h2>
      <div class="toolbar">
        <button type="button" disabled={listed.busy} onClick={listed.reload}>
          Refresh
        </button>
      </div>
      <Show of={listed} what="jobs">
        {(refused) => (
          <>
            {jobs.length === 0 && refused.length === 0 && <p class="empty">There are no jobs.</p>}
            {jobs.map((job) => (
              <JobCard key={job.job.name} seen={job} />
            ))}
            <Refused refused={refused} />
          </>
        )}
      </Show>
    </section>
  );
}

function startOf({ job }: SeenJob): number {
  return toMillis(job.started) ?? 0;
}

function Backup({ hsm }: { hsm: Container }) {
  const [storage, setStorage] = useState<Storage>({ ...EMPTY_STORAGE, uri: "file:///console" });
  const question = containerQuestion(hsm, ACTIONS.backupStart, "");
  const task = useTask(question);
  const name = dataPlane(hsm);
  const request = { name, storage: toRequest(storage) };
  const start = () => task.run(async () => followJob(await backups.startBackup(request), `Backup to ${storage.uri}`));
  const check = () => task.run(async () => followJob(await backups.startBackupCheck(request), `Check of a backup to ${storage.uri}`));
  const disabled = task.busy || !isReady(storage);
  return (
    <section class="card">
      <h2>Back up</h2>
      <StorageFields
        label="Storage"
        hint="file:///DIRECTORY of the service, or the URI of a container of Azure Blob Storage."
        value={storage}
        onChange={setStorage}
      />
      <div class="toolbar">
        <ActionButton kind="primary" ask={question} disabled={disabled} onClick={() => void start()}>
          Start backup
        </ActionButton>
        <ActionButton ask={question} disabled={disabled} onClick={() => void check()}>
          Check backup
        </ActionButton>
      </div>
      {task.failure !== undefined && <FailurePanel failure={task.failure} />}
    </section>
  );
}

function Restore({ hsm }: { hsm: Container }) {
  const [folder, setFolder] = useState<Storage>(EMPTY_STORAGE);
  const [open, setOpen] = useState<Open>(undefined);
  const question = containerQuestion(hsm, ACTIONS.restoreStart, "");
  const task = useTask(question);
  const place = folderOf(folder.uri);
  const request = { name: dataPlane(hsm), folder: place?.folder ?? "", storage: toRequest({ ...folder, uri: place?.storage ?? "" }) };
  const check = () => task.run(async () => followJob(await backups.startRestoreCheck(request), `Check of a restore from ${folder.uri}`));
  const disabled = task.busy || place === undefined || !isReady(folder);
  return (
    <section class="card">
      <h2>Restore</h2>
      <StorageFields
        label="Folder with the backup"
        hint="The URI that the backup has shown, as file:///console/mhsm-local-2026112820301500"
        value={folder}
        onChange={setFolder}
      />
      <div class="toolbar">
        <ActionButton ask={question} disabled={disabled} onClick={() => void check()}>
          Check restore
        </ActionButton>
        <ActionButton ask={question} disabled={disabled} onClick={() => setOpen({ what: "key" })}>
          Restore one key…
        </ActionButton>
        <ActionButton kind="danger" ask={question} disabled={disabled} onClick={() => setOpen({ what: "restore" })}>
          Restore everything…
        </ActionButton>
      </div>
      {task.failure !== undefined && <FailurePanel failure={task.failure} />}
      {open !== undefined && <RestoreDialog hsm={hsm} what={open.what} request={request} uri={folder.uri} onClose={() => setOpen(undefined)} />}
    </section>
  );
}

/** The storage and the folder of a URI, whose last segment is the folder; undefined if it has none. */
function folderOf(uri: string): { storage: string; folder: string } | undefined {
  const parts = /^((?:https|file):\/\/.+)\/([^/]+)\/?$/.exec(uri.trim());
  return parts?.[1] === undefined || parts[2] === undefined ? undefined : { storage: parts[1], folder: parts[2] };
}

import { useState } from "preact/hooks";
import { ACTIONS } from "../../access/actions.js";
import { containerQuestion } from "../../access/verdict.js";
import { backups } from "../../api/clients.js";
import { type Container, dataPlane } from "../../model/names.js";
import { useStore } from "../../model/store.js";
import { ActionButton } from "../../ui/button.js";
import { FailurePanel } from "../../ui/failure.js";
import { TextField } from "../../ui/fields.js";
import { useTask } from "../../ui/hooks.js";
import { RestoreDialog } from "./restore.js";
import { JobCard } from "./job.js";
import { findJob, followJob, seenJobs } from "./jobs.js";
import { EMPTY_STORAGE, isReady, type Storage, StorageFields, toRequest } from "./storage.js";

type Open = { readonly what: "restore" | "key" } | undefined;

/** Full backups of a managed HSM, and restores from them. */
export function Backups({ hsm }: { hsm: Container }) {
  const name = dataPlane(hsm);
  const jobs = [...useStore(seenJobs).values()].filter(({ job }) => job.name.startsWith(`${name}/`));
  return (
    <>
      <p class="note">
        A full backup has the keys of the HSM, its roles and settings. One job of an HSM runs at a time. To restore it elsewhere, the{" "}
        security domain is needed.
      </p>
      <Backup hsm={hsm} />
      <Restore hsm={hsm} />
      <section>
        <h2>Jobs</h2>
        {jobs.length === 0 && <p class="empty">No job was started or looked up since you signed in.</p>}
        {jobs.map((seen) => (
          <JobCard key={seen.job.name} seen={seen} />
        ))}
        <FindJob name={name} />
      </section>
    </>
  );
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

function FindJob({ name }: { name: string }) {
  const [text, setText] = useState("");
  const task = useTask();
  const find = (event: Event) => {
    event.preventDefault();
    void task.run(() => findJob(name, text.trim()));
  };
  return (
    <form class="inline-form" onSubmit={find}>
      <TextField label="Look up a job" hint="Its identifier, or its resource name." value={text} onChange={setText} />
      <button type="submit" disabled={task.busy || text.trim() === ""}>
        Show
      </button>
      {task.failure !== undefined && <FailurePanel failure={task.failure} />}
    </form>
  );
}

import { useState } from "preact/hooks";
import { ACTIONS } from "../../access/actions.js";
import { containerQuestion } from "../../access/verdict.js";
import { backups } from "../../api/clients.js";
import type { Container } from "../../model/names.js";
import { ConfirmDialog, Dialog } from "../../ui/dialog.js";
import { TextField } from "../../ui/fields.js";
import { followJob } from "./jobs.js";
import type { Storage } from "./storage.js";

interface Props {
  hsm: Container;
  what: "restore" | "key";
  request: { name: string; folder: string; storage: Storage };
  /** The folder, as it is shown. */
  uri: string;
  onClose: () => void;
}

/** Starts a restore: of everything, after the name of the HSM is typed, or of one key. */
export function RestoreDialog({ hsm, what, request, uri, onClose }: Props) {
  const [key, setKey] = useState("");
  const ask = containerQuestion(hsm, ACTIONS.restoreStart, "");
  if (what === "restore") {
    const start = async () => followJob(await backups.startRestore(request), `Restore from ${uri}`);
    return (
      <ConfirmDialog
        title={`Restore Managed HSM ${hsm.name}?`}
        confirm="Replace everything"
        danger
        typed={hsm.name}
        ask={ask}
        done="The restore has started"
        change={start}
        onClose={onClose}
      >
        <p>
          Keys, roles and settings are replaced by those of the backup. What the backup lacks is gone, without soft-delete, and in spite of purge
          protection. Until it ends, the HSM refuses other calls.
        </p>
      </ConfirmDialog>
    );
  }
  const start = async () => followJob(await backups.startKeyRestore({ ...request, name: `${request.name}/keys/${key}` }), `Restore of key ${key} from ${uri}`);
  return (
    <Dialog title="Restore one key" confirm="Restore key" ready={key !== ""} ask={ask} done="The restore has started" change={start} onClose={onClose}>
      <p>A key of this name that exists, or is deleted, is not changed.</p>
      <TextField label="Name of the key" value={key} onChange={setKey} required />
    </Dialog>
  );
}

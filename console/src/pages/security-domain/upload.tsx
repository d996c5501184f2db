import { useId, useState } from "preact/hooks";
import { ACTIONS } from "../../access/actions.js";
import { containerQuestion } from "../../access/verdict.js";
import { securityDomains } from "../../api/clients.js";
import { type Container, dataPlane } from "../../model/names.js";
import { Dialog } from "../../ui/dialog.js";

/** Uploads a security domain that was encrypted for the exchange key of this HSM. */
export function UploadDialog({ hsm, onClose }: { hsm: Container; onClose: (changed: boolean) => void }) {
  const [file, setFile] = useState<File | undefined>(undefined);
  const id = useId();
  const change = async () => {
    await securityDomains.uploadSecurityDomain({ name: dataPlane(hsm), restoreBlob: (await file?.text()) ?? "" });
  };
  return (
    <Dialog
      title={`Upload a security domain into ${hsm.name}`}
      confirm="Upload"
      ask={containerQuestion(hsm, ACTIONS.domainUpload, "")}
      ready={file !== undefined}
      done={`${hsm.name} is activated with the security domain`}
      change={change}
      onClose={onClose}
    >
      <div class="field">
        <label for={id}>Restore blob</label>
        <input id={id} type="file" aria-describedby={`${id}-hint`} onChange={(event) => setFile(event.currentTarget.files?.[0])} />
        <p class="hint" id={`${id}-hint`}>
          The file that <code>strongroom security-domain restore-blob</code> or <code>az keyvault security-domain restore-blob</code> has written.
        </p>
      </div>
    </Dialog>
  );
}

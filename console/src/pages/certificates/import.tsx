import { useId, useState } from "preact/hooks";
import { ACTIONS } from "../../access/actions.js";
import { containerQuestion } from "../../access/verdict.js";
import { certificates } from "../../api/clients.js";
import { type Container, dataPlane } from "../../model/names.js";
import { Dialog } from "../../ui/dialog.js";
import { parseTags, TagsField, TextField } from "../../ui/fields.js";

interface Props {
  vault: Container;
  onClose: (changed: boolean) => void;
}

/** Imports a certificate with its private key from a file. */
export function ImportCertificateDialog({ vault, onClose }: Props) {
  const [name, setName] = useState("");
  const [file, setFile] = useState<File | undefined>(undefined);
  const [password, setPassword] = useState("");
  const [tags, setTags] = useState("");
  const id = useId();
  const change = async () => {
    const value = new Uint8Array((await file?.arrayBuffer()) ?? new ArrayBuffer(0));
    await certificates.importCertificate({ parent: dataPlane(vault), certificateId: name, value, password, tags: parseTags(tags) });
  };
  return (
    <Dialog
      title={`Import a certificate into ${vault.name}`}
      confirm="Import"
      ask={containerQuestion(vault, ACTIONS.certificateImport, "")}
      ready={name !== "" && file !== undefined}
      done={`Certificate ${name} is imported`}
      change={change}
      onClose={onClose}
    >
      <TextField label="Name" hint="1 to 127 letters, digits and hyphens." value={name} onChange={setName} required />
      <div class="field">
        <label for={id}>File</label>
        <input id={id} type="file" aria-describedby={`${id}-hint`} onChange={(event) => setFile(event.currentTarget.files?.[0])} />
        <p class="hint" id={`${id}-hint`}>
          PKCS#12, or PEM with an unencrypted private key.
        </p>
      </div>
      <TextField label="Password of PKCS#12" type="password" hint="Empty if it has none." value={password} onChange={setPassword} />
      <TagsField value={tags} onChange={setTags} />
    </Dialog>
  );
}

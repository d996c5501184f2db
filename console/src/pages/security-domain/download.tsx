import { useId, useState } from "preact/hooks";
import { ACTIONS } from "../../access/actions.js";
import { containerQuestion } from "../../access/verdict.js";
import { securityDomains } from "../../api/clients.js";
import { certificatesOfPem } from "../../model/bytes.js";
import { type Container, dataPlane } from "../../model/names.js";
import { Dialog } from "../../ui/dialog.js";
import { TextField } from "../../ui/fields.js";
import { download } from "../../ui/text.js";

/** Asks for the certificates and the quorum, and offers the file. */
export function DownloadDialog({ hsm, onClose }: { hsm: Container; onClose: (changed: boolean) => void }) {
  const [files, setFiles] = useState<readonly File[]>([]);
  const [quorum, setQuorum] = useState("2");
  const id = useId();
  const change = async () => {
    const certificates = (await Promise.all(files.map(certificatesOf))).flat();
    const reply = await securityDomains.downloadSecurityDomain({ name: dataPlane(hsm), certificates, quorum: Number(quorum) });
    download(`${hsm.name}-security-domain.json`, "application/json", reply.securityDomain);
  };
  return (
    <Dialog
      title={`Download the security domain of ${hsm.name}`}
      confirm="Download"
      ask={containerQuestion(hsm, ACTIONS.domainDownload, "")}
      ready={files.length > 0 && Number.isInteger(Number(quorum)) && Number(quorum) > 0}
      done="The security domain is downloaded"
      change={change}
      onClose={onClose}
    >
      <div class="field">
        <label for={id}>Certificates</label>
        <input id={id} type="file" multiple aria-describedby={`${id}-hint`} onChange={(event) => setFiles([...(event.currentTarget.files ?? [])])} />
        <p class="hint" id={`${id}-hint`}>
          3 to 10 files, PEM or DER, with different RSA keys of 2048 bits or more. Their private keys stay where they are.
        </p>
      </div>
      <TextField label="Quorum" type="number" hint="How many of the private keys recover the security domain." value={quorum} onChange={setQuorum} />
    </Dialog>
  );
}

/** The certificates of a file: of PEM all, of anything else the file itself, as DER. */
async function certificatesOf(file: File): Promise<Uint8Array[]> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const text = new TextDecoder().decode(bytes);
  return text.includes("-----BEGIN") ? certificatesOfPem(text) : [bytes];
}

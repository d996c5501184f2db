import { useState } from "preact/hooks";
import { ACTIONS } from "../../access/actions.js";
import { containerQuestion } from "../../access/verdict.js";
import { certificates } from "../../api/clients.js";
import { certificatesOfPem, toPem } from "../../model/bytes.js";
import { type Container, dataPlane } from "../../model/names.js";
import { ActionButton } from "../../ui/button.js";
import { Dialog } from "../../ui/dialog.js";
import { Show } from "../../ui/failure.js";
import { TextField } from "../../ui/fields.js";
import { useLoad } from "../../ui/hooks.js";
import { download, Facts } from "../../ui/text.js";

interface Props {
  container: Container;
  name: string;
  changed: () => void;
}

/** The operation that makes, or made, the latest version: while it is in progress, its request can be signed and merged. */
export function Operation({ container, name, changed }: Props) {
  const [merging, setMerging] = useState(false);
  const resource = `${dataPlane(container)}/certificates/${name}`;
  const operation = useLoad(() => certificates.getCertificateOperation({ name: `${resource}/pending` }), [resource]);
  return (
    <section>
      <h2>Latest operation</h2>
      <Show of={operation} what="the operation">
        {({ status, statusDetails, issuer, error, csr }) => (
          <div class="card">
            <Facts
              rows={[
                ["Status", status],
                ["Issuer", issuer?.name],
                ["Details", statusDetails || undefined],
                ["Error", error === undefined ? undefined : `${error.code}: ${error.message}`],
              ]}
            />
            {status === "inProgress" && (
              <div class="buttons">
                <button type="button" onClick={() => download(`${name}.csr`, "application/pkcs10", toPem(csr, "CERTIFICATE REQUEST"))}>
                  Download request
                </button>
                <ActionButton ask={containerQuestion(container, ACTIONS.certificateCreate, `certificates/${name}`)} onClick={() => setMerging(true)}>
                  Merge certificate
                </ActionButton>
              </div>
            )}
          </div>
        )}
      </Show>
      {merging && (
        <MergeDialog
          container={container}
          name={name}
          onClose={(done) => {
            setMerging(false);
            if (done) {
              changed();
            }
          }}
        />
      )}
    </section>
  );
}

function MergeDialog({ container, name, onClose }: { container: Container; name: string; onClose: (done: boolean) => void }) {
  const [pem, setPem] = useState("");
  const change = async () => {
    await certificates.mergeCertificate({ name: `${dataPlane(container)}/certificates/${name}`, x5c: certificatesOfPem(pem) });
  };
  return (
    <Dialog
      title={`Merge the certificate of ${name}`}
      confirm="Merge"
      ask={containerQuestion(container, ACTIONS.certificateCreate, `certificates/${name}`)}
      ready={pem.trim() !== ""}
      done={`Certificate ${name} is issued`}
      change={change}
      onClose={onClose}
    >
      <TextField
        label="Certificates"
        hint="The certificate that was signed for the request, and those of its issuers, in PEM."
        rows={8}
        value={pem}
        onChange={setPem}
        required
      />
    </Dialog>
  );
}

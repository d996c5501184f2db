import { useState } from "preact/hooks";
import { ACTIONS } from "../../access/actions.js";
import { containerQuestion } from "../../access/verdict.js";
import { securityDomains } from "../../api/clients.js";
import { type Failure, toFailure } from "../../api/failure.js";
import type { SecurityDomainOperation } from "../../gen/strongroom/v1/security_domain_pb.js";
import { toPem } from "../../model/bytes.js";
import { type Container, dataPlane } from "../../model/names.js";
import { ActionButton } from "../../ui/button.js";
import { FailurePanel, Show } from "../../ui/failure.js";
import { useLoad, useTask } from "../../ui/hooks.js";
import { Badge, download } from "../../ui/text.js";
import { DownloadDialog } from "./download.js";
import { UploadDialog } from "./upload.js";

interface Status {
  readonly what: string;
  readonly operation: SecurityDomainOperation | undefined;
  readonly failure: Failure | undefined;
}

/** What another HSM needs to use the backups of this one. */
export function SecurityDomain({ hsm }: { hsm: Container }) {
  const name = dataPlane(hsm);
  const statuses = useLoad(() => fetchStatuses(name), [name]);
  const [open, setOpen] = useState<"download" | "upload" | undefined>(undefined);
  const close = (changed: boolean) => {
    setOpen(undefined);
    if (changed) {
      statuses.reload();
    }
  };
  return (
    <>
      <p class="note">
        The security domain is what another HSM needs to use the backups of this one. Without it, a backup cannot be restored elsewhere: keep the
        file, and the private keys of its certificates at different places.
      </p>
      <Show of={statuses} what="the status of the security domain">
        {(found) => (
          <section class="card">
            <h2>Status</h2>
            {found.map((status) => (
              <StatusLine key={status.what} status={status} />
            ))}
          </section>
        )}
      </Show>
      <section class="card">
        <h2>Download</h2>
        <p>The file is encrypted for 3 to 10 certificates, of whose private keys a quorum recovers it. The first download activates the HSM.</p>
        <ActionButton kind="primary" ask={containerQuestion(hsm, ACTIONS.domainDownload, "")} onClick={() => setOpen("download")}>
          Download…
        </ActionButton>
      </section>
      <Upload hsm={hsm} open={() => setOpen("upload")} />
      {open === "download" && <DownloadDialog hsm={hsm} onClose={close} />}
      {open === "upload" && <UploadDialog hsm={hsm} onClose={close} />}
    </>
  );
}

async function fetchStatuses(name: string): Promise<Status[]> {
  const attempt = async (what: string, operation: Promise<SecurityDomainOperation>): Promise<Status> =>
    operation.then(
      (value) => ({ what, operation: value, failure: undefined }),
      (error: unknown) => ({ what, operation: undefined, failure: toFailure(error) }),
    );
  return Promise.all([
    attempt("Last download", securityDomains.getSecurityDomainDownload({ name })),
    attempt("Last upload", securityDomains.getSecurityDomainUpload({ name })),
  ]);
}

function StatusLine({ status: { what, operation, failure } }: { status: Status }) {
  if (failure !== undefined) {
    return (
      <div>
        <h3>{what}</h3>
        <FailurePanel failure={failure} />
      </div>
    );
  }
  return (
    <p>
      <b>{what}</b> <Badge tone={operation?.status === "Success" ? "good" : "neutral"}>{operation?.status}</Badge> {operation?.statusDetails}
    </p>
  );
}

/** The certificate of the transfer key is downloaded, the file is encrypted for it on another machine, and the result is uploaded. */
function Upload({ hsm, open }: { hsm: Container; open: () => void }) {
  const question = containerQuestion(hsm, ACTIONS.transferKeyRead, "");
  const task = useTask(question);
  const fetchKey = () =>
    task.run(async () => {
      const { certificate } = await securityDomains.getTransferKey({ name: dataPlane(hsm) });
      download(`${hsm.name}-exchange.pem`, "application/x-pem-file", toPem(certificate, "CERTIFICATE"));
    });
  return (
    <section class="card">
      <h2>Upload</h2>
      <p>
        An HSM that is not activated takes the security domain of another: download its exchange key, encrypt the file for it with{" "}
        <code>strongroom security-domain restore-blob</code> where the private keys are, and upload the result.
      </p>
      <div class="toolbar">
        <ActionButton ask={question} disabled={task.busy} onClick={() => void fetchKey()}>
          Download the exchange key
        </ActionButton>
        <ActionButton ask={containerQuestion(hsm, ACTIONS.domainUpload, "")} onClick={open}>
          Upload…
        </ActionButton>
      </div>
      {task.failure !== undefined && <FailurePanel failure={task.failure} />}
    </section>
  );
}

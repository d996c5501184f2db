import { useState } from "preact/hooks";
import { ACTIONS } from "../../access/actions.js";
import { containerQuestion } from "../../access/verdict.js";
import { certificates } from "../../api/clients.js";
import type { CertificateBundle } from "../../gen/strongroom/v1/certificate_pb.js";
import { toHex } from "../../model/bytes.js";
import { type Container, dataPlane, lastSegment } from "../../model/names.js";
import { href } from "../../router.js";
import { ActionButton } from "../../ui/button.js";
import { usePages } from "../../ui/pages.js";
import { Searchable } from "../../ui/searchable.js";
import type { Column } from "../../ui/table.js";
import { Badge, Enabled, Instant, Tags } from "../../ui/text.js";
import { CreateCertificateDialog } from "./create.js";
import { ImportCertificateDialog } from "./import.js";

/** The certificates of a vault, those in progress included. */
export function CertificateList({ vault }: { vault: Container }) {
  const [open, setOpen] = useState<"create" | "import" | undefined>(undefined);
  const parent = dataPlane(vault);
  const pages = usePages(async (page) => {
    const reply = await certificates.listCertificates({ parent, includePending: true, ...page });
    return { items: reply.certificates, nextPageToken: reply.nextPageToken };
  }, [parent]);
  const close = (changed: boolean) => {
    setOpen(undefined);
    if (changed) {
      pages.reload();
    }
  };
  const columns: Column<CertificateBundle>[] = [
    { head: "Name", title: true, cell: ({ name }) => <a href={href("vaults", vault.name, "certificates", lastSegment(name))}>{lastSegment(name)}</a> },
    { head: "State", cell: ({ enabled, thumbprint }) => (thumbprint.length > 0 ? <Enabled on={enabled} /> : <Badge tone="warn">in progress</Badge>) },
    { head: "Thumbprint (SHA-1)", cell: ({ thumbprint }) => <code>{toHex(thumbprint)}</code> },
    { head: "Valid from", cell: ({ notBefore }) => <Instant at={notBefore} /> },
    { head: "Expires", cell: ({ expires }) => <Instant at={expires} /> },
    { head: "Tags", cell: ({ tags }) => <Tags tags={tags} /> },
  ];
  return (
    <section>
      <h2>Certificates</h2>
      <Searchable
        what="certificates"
        pages={pages}
        columns={columns}
        rowKey={({ name }) => name}
        text={({ name, thumbprint, tags }) => `${lastSegment(name)} ${toHex(thumbprint)} ${Object.entries(tags).flat().join(" ")}`}
      >
        <ActionButton kind="primary" ask={containerQuestion(vault, ACTIONS.certificateCreate, "")} onClick={() => setOpen("create")}>
          Create certificate
        </ActionButton>
        <ActionButton ask={containerQuestion(vault, ACTIONS.certificateImport, "")} onClick={() => setOpen("import")}>
          Import certificate
        </ActionButton>
      </Searchable>
      {open === "create" && <CreateCertificateDialog vault={vault} onClose={close} />}
      {open === "import" && <ImportCertificateDialog vault={vault} onClose={close} />}
    </section>
  );
}

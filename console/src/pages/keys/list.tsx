import { useState } from "preact/hooks";
import { ACTIONS } from "../../access/actions.js";
import { containerQuestion } from "../../access/verdict.js";
import { keys } from "../../api/clients.js";
import type { KeyBundle } from "../../gen/strongroom/v1/key_pb.js";
import { type Container, dataPlane, lastSegment } from "../../model/names.js";
import { href } from "../../router.js";
import { ActionButton } from "../../ui/button.js";
import { usePages } from "../../ui/pages.js";
import { Searchable } from "../../ui/searchable.js";
import type { Column } from "../../ui/table.js";
import { Badge, Enabled, Instant, Tags } from "../../ui/text.js";
import { CreateKeyDialog } from "./create.js";
import { ImportKeyDialog } from "./import.js";
import { keyType } from "./kinds.js";

/** The keys of a managed HSM or vault. */
export function KeyList({ container }: { container: Container }) {
  const [open, setOpen] = useState<"create" | "import" | undefined>(undefined);
  const parent = dataPlane(container);
  const pages = usePages(async (page) => {
    const reply = await keys.listKeys({ parent, ...page });
    return { items: reply.keys, nextPageToken: reply.nextPageToken };
  }, [parent]);
  const close = (changed: boolean) => {
    setOpen(undefined);
    if (changed) {
      pages.reload();
    }
  };
  const columns: Column<KeyBundle>[] = [
    {
      head: "Name",
      title: true,
      cell: ({ name }) => <a href={href(`${container.kind}s`, container.name, "keys", lastSegment(name))}>{lastSegment(name)}</a>,
    },
    { head: "Type", cell: (key) => <KeyType of={key} /> },
    { head: "State", cell: ({ enabled }) => <Enabled on={enabled} /> },
    { head: "Operations", cell: ({ keyOps }) => keyOps.join(", ") || "none" },
    { head: "Expires", cell: ({ expires }) => <Instant at={expires} /> },
    { head: "Created", cell: ({ created }) => <Instant at={created} /> },
    { head: "Tags", cell: ({ tags }) => <Tags tags={tags} /> },
  ];
  return (
    <section>
      <h2>Keys</h2>
      <Searchable
        what="keys"
        pages={pages}
        columns={columns}
        rowKey={({ name }) => name}
        text={({ name, kty, tags }) => `${lastSegment(name)} ${kty} ${Object.entries(tags).flat().join(" ")}`}
      >
        <ActionButton kind="primary" ask={containerQuestion(container, ACTIONS.keyCreate, "")} onClick={() => setOpen("create")}>
          Create key
        </ActionButton>
        <ActionButton ask={containerQuestion(container, ACTIONS.keyImport, "")} onClick={() => setOpen("import")}>
          Import key
        </ActionButton>
      </Searchable>
      {open === "create" && <CreateKeyDialog container={container} onClose={close} />}
      {open === "import" && <ImportKeyDialog container={container} onClose={close} />}
    </section>
  );
}

function KeyType({ of }: { of: KeyBundle }) {
  return (
    <>
      {keyType(of)} {of.managed && <Badge tone="neutral">of a certificate</Badge>}
    </>
  );
}

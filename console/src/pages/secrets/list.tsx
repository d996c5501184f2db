import { useState } from "preact/hooks";
import { ACTIONS } from "../../access/actions.js";
import { containerQuestion } from "../../access/verdict.js";
import { secrets } from "../../api/clients.js";
import type { SecretBundle } from "../../gen/strongroom/v1/secret_pb.js";
import { type Container, dataPlane, lastSegment } from "../../model/names.js";
import { href } from "../../router.js";
import { ActionButton } from "../../ui/button.js";
import { usePages } from "../../ui/pages.js";
import { Searchable } from "../../ui/searchable.js";
import type { Column } from "../../ui/table.js";
import { Badge, Enabled, Instant, Tags } from "../../ui/text.js";
import { SetSecretDialog } from "./set.js";

/** The secrets of a vault, without their values. */
export function SecretList({ vault }: { vault: Container }) {
  const [setting, setSetting] = useState(false);
  const parent = dataPlane(vault);
  const pages = usePages(async (page) => {
    const reply = await secrets.listSecrets({ parent, ...page });
    return { items: reply.secrets, nextPageToken: reply.nextPageToken };
  }, [parent]);
  const columns: Column<SecretBundle>[] = [
    { head: "Name", title: true, cell: ({ name }) => <a href={href("vaults", vault.name, "secrets", lastSegment(name))}>{lastSegment(name)}</a> },
    {
      head: "Content type",
      cell: ({ contentType, managed }) => (
        <>
          {contentType || <span class="absent">—</span>} {managed && <Badge tone="neutral">of a certificate</Badge>}
        </>
      ),
    },
    { head: "State", cell: ({ enabled }) => <Enabled on={enabled} /> },
    { head: "Expires", cell: ({ expires }) => <Instant at={expires} /> },
    { head: "Created", cell: ({ created }) => <Instant at={created} /> },
    { head: "Tags", cell: ({ tags }) => <Tags tags={tags} /> },
  ];
  return (
    <section>
      <h2>Secrets</h2>
      <Searchable
        what="secrets"
        pages={pages}
        columns={columns}
        rowKey={({ name }) => name}
        text={({ name, contentType, tags }) => `${lastSegment(name)} ${contentType} ${Object.entries(tags).flat().join(" ")}`}
      >
        <ActionButton kind="primary" ask={containerQuestion(vault, ACTIONS.secretSet, "")} onClick={() => setSetting(true)}>
          Set secret
        </ActionButton>
      </Searchable>
      {setting && (
        <SetSecretDialog
          vault={vault}
          onClose={(changed) => {
            setSetting(false);
            if (changed) {
              pages.reload();
            }
          }}
        />
      )}
    </section>
  );
}

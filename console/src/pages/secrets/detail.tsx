import { useState } from "preact/hooks";
import { ACTIONS } from "../../access/actions.js";
import { containerQuestion } from "../../access/verdict.js";
import { secrets } from "../../api/clients.js";
import { allPages } from "../../api/paging.js";
import type { SecretBundle } from "../../gen/strongroom/v1/secret_pb.js";
import { findContainer } from "../../model/containers.js";
import { type Container, dataPlane, lastSegment } from "../../model/names.js";
import { navigate } from "../../router.js";
import { announce, announceNext } from "../../ui/announce.js";
import { ActionButton } from "../../ui/button.js";
import { ConfirmDialog } from "../../ui/dialog.js";
import { FailurePanel, Show } from "../../ui/failure.js";
import { useLoad, useTask } from "../../ui/hooks.js";
import { type Column, Table } from "../../ui/table.js";
import { Enabled, Instant, Tags } from "../../ui/text.js";
import { Crumbs } from "../containers/detail.js";
import { SetSecretDialog } from "./set.js";

interface Found {
  readonly container: Container;
  /** Newest first. */
  readonly versions: readonly SecretBundle[];
}

/** A secret with its versions. Values are fetched only when somebody asks for one. */
export function SecretPage({ vault, name }: { vault: string; name: string }) {
  const secret = useLoad(() => fetchSecret(vault, name), [vault, name]);
  return (
    <>
      <Crumbs kind="vault" container={vault} collection="secrets" />
      <h1 tabIndex={-1}>Secret {name}</h1>
      <Show of={secret} what={name}>
        {(found) => (
          <>
            <Toolbar of={found} name={name} changed={secret.reload} />
            <Value vault={found.container} name={name} versions={found.versions} />
            <Versions of={found} name={name} changed={secret.reload} />
          </>
        )}
      </Show>
    </>
  );
}

async function fetchSecret(vault: string, name: string): Promise<Found> {
  const parent = `vaults/${vault}/secrets/${name}`;
  const [container, versions] = await Promise.all([
    findContainer("vault", vault),
    allPages((page) => secrets.listSecretVersions({ parent, ...page }), (page) => page.versions),
  ]);
  return { container, versions: versions.reverse() };
}

function Toolbar({ of: { container, versions }, name, changed }: { of: Found; name: string; changed: () => void }) {
  const [open, setOpen] = useState<"set" | "delete" | undefined>(undefined);
  const object = `secrets/${name}`;
  const current = versions[0];
  const managed = current?.managed ?? false;
  return (
    <>
      <div class="toolbar">
        <ActionButton kind="primary" ask={containerQuestion(container, ACTIONS.secretSet, object)} disabled={managed} onClick={() => setOpen("set")}>
          New version
        </ActionButton>
        <ActionButton kind="danger" ask={containerQuestion(container, ACTIONS.secretDelete, object)} disabled={managed} onClick={() => setOpen("delete")}>
          Delete
        </ActionButton>
      </div>
      {managed && <p class="notice">This secret belongs to the certificate of the same name, and changes only with it.</p>}
      {open === "set" && (
        <SetSecretDialog
          vault={container}
          name={name}
          onClose={(done) => {
            setOpen(undefined);
            if (done) {
              changed();
            }
          }}
        />
      )}
      {open === "delete" && (
        <ConfirmDialog
          title={`Delete secret ${name}?`}
          confirm="Delete"
          danger
          ask={containerQuestion(container, ACTIONS.secretDelete, object)}
          done={`Secret ${name} is deleted`}
          change={() => secrets.deleteSecret({ name: `${dataPlane(container)}/${object}` })}
          onClose={(done) => {
            setOpen(undefined);
            if (done) {
              announceNext(`Secret ${name} is deleted. It can be recovered on the page of deleted items.`);
              navigate("vaults", container.name, "secrets");
            }
          }}
        >
          <p>The secret is deleted with all its versions. It can be recovered for {current?.recoverableDays ?? 0} days.</p>
        </ConfirmDialog>
      )}
    </>
  );
}

/** The value of a version, hidden until somebody asks for it. */
function Value({ vault, name, versions }: { vault: Container; name: string; versions: readonly SecretBundle[] }) {
  const ask = containerQuestion(vault, ACTIONS.secretGet, `secrets/${name}`);
  const task = useTask(ask);
  const [shown, setShown] = useState<SecretBundle | undefined>(undefined);
  const current = versions[0];
  if (current === undefined) {
    return null;
  }
  const show = () => void task.run(async () => setShown(await secrets.getSecret({ name: current.name })));
  return (
    <section class="card">
      <h2>Value of the current version</h2>
      {shown === undefined ? (
        <ActionButton ask={ask} disabled={task.busy} onClick={show}>
          Show the value
        </ActionButton>
      ) : (
        <button type="button" onClick={() => setShown(undefined)}>
          Hide the value
        </button>
      )}
      <p class="note">Showing it is a call that reads the secret. It is recorded in the audit log with your principal.</p>
      <div role="status">{shown !== undefined && <pre class="secret-value">{shown.value}</pre>}</div>
      {task.failure !== undefined && <FailurePanel failure={task.failure} />}
    </section>
  );
}

function Versions({ of: { container, versions }, name, changed }: { of: Found; name: string; changed: () => void }) {
  const ask = containerQuestion(container, ACTIONS.secretUpdate, `secrets/${name}`);
  const task = useTask(ask);
  const toggle = async (version: SecretBundle) => {
    const enabled = !version.enabled;
    const request = { name: version.name, attributes: { enabled }, updateMask: { paths: ["attributes.enabled"] } };
    if (await task.run(() => secrets.updateSecretVersion(request))) {
      announce(`Version ${lastSegment(version.name)} is ${enabled ? "enabled" : "disabled"}`);
      changed();
    }
  };
  const columns: Column<SecretBundle>[] = [
    { head: "Version", title: true, cell: (version) => <code>{lastSegment(version.name)}</code> },
    { head: "Content type", cell: ({ contentType }) => contentType || <span class="absent">—</span> },
    { head: "State", cell: ({ enabled }) => <Enabled on={enabled} /> },
    { head: "Created", cell: ({ created }) => <Instant at={created} /> },
    { head: "Not before", cell: ({ notBefore }) => <Instant at={notBefore} /> },
    { head: "Expires", cell: ({ expires }) => <Instant at={expires} /> },
    { head: "Tags", cell: ({ tags }) => <Tags tags={tags} /> },
    {
      head: "Actions",
      hidden: true,
      cell: (version) => (
        <ActionButton
          ask={ask}
          disabled={task.busy || version.managed}
          label={`${version.enabled ? "Disable" : "Enable"} version ${lastSegment(version.name)}`}
          onClick={() => void toggle(version)}
        >
          {version.enabled ? "Disable" : "Enable"}
        </ActionButton>
      ),
    },
  ];
  return (
    <section>
      <h2>Versions</h2>
      {task.failure !== undefined && <FailurePanel failure={task.failure} />}
      <Table
        caption="Versions"
        hideCaption
        columns={columns}
        rows={versions}
        rowKey={(version) => version.name}
        empty={`There is no secret ${name} in this vault.`}
      />
    </section>
  );
}

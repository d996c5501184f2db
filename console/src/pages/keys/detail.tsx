import { useState } from "preact/hooks";
import { ACTIONS } from "../../access/actions.js";
import { containerQuestion } from "../../access/verdict.js";
import { keys } from "../../api/clients.js";
import { allPages } from "../../api/paging.js";
import type { KeyBundle } from "../../gen/strongroom/v1/key_pb.js";
import { toBase64Url } from "../../model/bytes.js";
import { findContainer } from "../../model/containers.js";
import { type Container, type ContainerKind, dataPlane, lastSegment } from "../../model/names.js";
import { navigate } from "../../router.js";
import { announceNext } from "../../ui/announce.js";
import { ActionButton } from "../../ui/button.js";
import { ConfirmDialog, Dialog } from "../../ui/dialog.js";
import { Show } from "../../ui/failure.js";
import { useLoad } from "../../ui/hooks.js";
import { Copyable, Enabled, Facts, Instant, Tags } from "../../ui/text.js";
import { Crumbs } from "../containers/detail.js";
import { EditKeyDialog } from "./edit.js";
import { keyType } from "./kinds.js";
import { RotationPolicy } from "./rotation.js";
import { TryKey } from "./try.js";
import { Versions } from "./versions.js";

/** A key with its container. */
export interface FoundKey {
  readonly container: Container;
  readonly current: KeyBundle;
  /** Newest first. */
  readonly versions: readonly KeyBundle[];
}

/** A key with its versions, its rotation policy, and operations to try. */
export function KeyPage({ kind, container, name }: { kind: ContainerKind; container: string; name: string }) {
  const key = useLoad(() => fetchKey(kind, container, name), [kind, container, name]);
  return (
    <>
      <Crumbs kind={kind} container={container} collection="keys" />
      <h1 tabIndex={-1}>Key {name}</h1>
      <Show of={key} what={name}>
        {(found) => (
          <>
            <Current of={found} changed={key.reload} />
            <Versions of={found} changed={key.reload} />
            <RotationPolicy container={found.container} name={name} />
            <TryKey container={found.container} of={found.current} />
          </>
        )}
      </Show>
    </>
  );
}

async function fetchKey(kind: ContainerKind, containerName: string, keyName: string): Promise<FoundKey> {
  const parent = `${dataPlane({ kind, name: containerName })}/keys/${keyName}`;
  const [container, current, versions] = await Promise.all([
    findContainer(kind, containerName),
    keys.getKey({ name: parent }),
    allPages((page) => keys.listKeyVersions({ parent, ...page }), (page) => page.versions),
  ]);
  return { container, current, versions: versions.reverse() };
}

function Current({ of: { container, current }, changed }: { of: FoundKey; changed: () => void }) {
  const [open, setOpen] = useState<"rotate" | "edit" | "delete" | undefined>(undefined);
  const name = current.name.replace(/\/versions\/.*/, "");
  const short = lastSegment(name);
  const ask = (actions: (typeof ACTIONS)[keyof typeof ACTIONS]) => containerQuestion(container, actions, `keys/${short}`);
  const close = (done: boolean) => {
    setOpen(undefined);
    if (done) {
      changed();
    }
  };
  return (
    <section>
      <div class="toolbar">
        <ActionButton kind="primary" ask={ask(ACTIONS.keyRotate)} disabled={current.managed} onClick={() => setOpen("rotate")}>
          Rotate
        </ActionButton>
        <ActionButton ask={ask(ACTIONS.keyUpdate)} disabled={current.managed} onClick={() => setOpen("edit")}>
          Edit attributes and tags
        </ActionButton>
        <ActionButton kind="danger" ask={ask(ACTIONS.keyDelete)} disabled={current.managed} onClick={() => setOpen("delete")}>
          Delete
        </ActionButton>
      </div>
      {current.managed && <p class="notice">This key belongs to the certificate of the same name, and changes only with it.</p>}
      <div class="card">
        <Facts
          rows={[
            ["Type", keyType(current)],
            ["State", <Enabled on={current.enabled} />],
            ["Operations", current.keyOps.join(", ") || "none"],
            ["Current version", <Copyable label="version" text={current.name} />],
            ["Created", <Instant at={current.created} />],
            ["Updated", <Instant at={current.updated} />],
            ["Not before", <Instant at={current.notBefore} />],
            ["Expires", <Instant at={current.expires} />],
            ["Recovery level", `${current.recoveryLevel}, ${current.recoverableDays} days`],
            ["AES mode family", current.aesModeFamily || undefined],
            ["Tags", <Tags tags={current.tags} />],
          ]}
        />
        <PublicKey of={current} />
      </div>
      {open === "rotate" && (
        <Dialog
          title={`Rotate key ${short}?`}
          confirm="Rotate"
          ask={ask(ACTIONS.keyRotate)}
          done={`Key ${short} is rotated`}
          change={() => keys.rotateKey({ name })}
          onClose={close}
        >
          <p>A new version like the current one is generated. Earlier versions remain and can be used by their identifiers.</p>
        </Dialog>
      )}
      {open === "edit" && <EditKeyDialog container={container} version={current} onClose={close} />}
      {open === "delete" && (
        <ConfirmDialog
          title={`Delete key ${short}?`}
          confirm="Delete"
          danger
          ask={ask(ACTIONS.keyDelete)}
          done={`Key ${short} is deleted`}
          change={() => keys.deleteKey({ name })}
          onClose={(done) => {
            setOpen(undefined);
            if (done) {
              announceNext(`Key ${short} is deleted. It can be recovered on the page of deleted items.`);
              navigate(`${container.kind}s`, container.name, "keys");
            }
          }}
        >
          <p>
            The key is deleted with all its versions.{" "}
            {current.recoverableDays > 0
              ? `It can be recovered for ${current.recoverableDays} days, and is then purged.`
              : "The vault has no soft-delete: it is purged at once."}
          </p>
        </ConfirmDialog>
      )}
    </section>
  );
}

function PublicKey({ of: { key } }: { of: KeyBundle }) {
  if (key === undefined || (key.n.length === 0 && key.x.length === 0)) {
    return null;
  }
  const members: [string, Uint8Array][] = [["n", key.n], ["e", key.e], ["x", key.x], ["y", key.y]];
  const encoded = members.filter(([, value]) => value.length > 0).map(([name, value]) => [name, toBase64Url(value)]);
  const jwk = { kty: key.n.length > 0 ? "RSA" : "EC", ...(key.crv === "" ? {} : { crv: key.crv }), ...Object.fromEntries(encoded) };
  return (
    <details>
      <summary>Public key (JSON Web Key)</summary>
      <Copyable label="public key" text={JSON.stringify(jwk)} />
    </details>
  );
}

import { useState } from "preact/hooks";
import { decidedByPolicies, type Entry, findContainer, isEntry } from "../../model/containers.js";
import { type Container, type ContainerKind, kindTitle, segmentAfter } from "../../model/names.js";
import { href } from "../../router.js";
import { ActionButton } from "../../ui/button.js";
import { Show } from "../../ui/failure.js";
import { useLoad } from "../../ui/hooks.js";
import { Facts, Instant, Tags } from "../../ui/text.js";
import { Backups } from "../backups/page.js";
import { CertificateList } from "../certificates/list.js";
import { KeyList } from "../keys/list.js";
import { SecretList } from "../secrets/list.js";
import { SecurityDomain } from "../security-domain/page.js";
import { EditContainerDialog, editQuestion } from "./edit.js";

interface Props {
  kind: ContainerKind;
  name: string;
  tab: string;
}

const TABS: Readonly<Record<ContainerKind, readonly (readonly [string, string])[]>> = {
  hsm: [
    ["keys", "Keys"],
    ["backups", "Backups"],
    ["security-domain", "Security domain"],
  ],
  vault: [
    ["keys", "Keys"],
    ["secrets", "Secrets"],
    ["certificates", "Certificates"],
  ],
};

/** A managed HSM or a vault: its settings, and what is in it. */
export function ContainerPage({ kind, name, tab }: Props) {
  const container = useLoad(() => findContainer(kind, name), [kind, name]);
  return (
    <>
      <Crumbs kind={kind} />
      <h1 tabIndex={-1}>
        {kindTitle(kind)} {name}
      </h1>
      <Show of={container} what={name}>
        {(found) => (
          <>
            <Settings of={found} changed={container.reload} />
            <div class="tabs" role="navigation" aria-label="Contents">
              {TABS[kind].map(([id, title]) => (
                <a key={id} href={href(`${kind}s`, name, id)} aria-current={tab === id ? "page" : undefined}>
                  {title}
                </a>
              ))}
            </div>
            {tab === "keys" && <KeyList container={found} />}
            {tab === "backups" && kind === "hsm" && <Backups hsm={found} />}
            {tab === "security-domain" && kind === "hsm" && <SecurityDomain hsm={found} />}
            {tab === "secrets" && kind === "vault" && <SecretList vault={found} />}
            {tab === "certificates" && kind === "vault" && <CertificateList vault={found} />}
          </>
        )}
      </Show>
    </>
  );
}

/** The way back. */
export function Crumbs({ kind, container, collection }: { kind?: ContainerKind; container?: string; collection?: string }) {
  return (
    <p class="crumbs">
      <a href={href("containers")}>HSMs and vaults</a>
      {kind !== undefined && container !== undefined && (
        <>
          {" › "}
          <a href={kind === "hsm" || collection === undefined ? href(`${kind}s`, container) : href("vaults", container, collection)}>
            {container}
          </a>
        </>
      )}
    </p>
  );
}

/** The settings, if the principal may read the resource. */
function Settings({ of, changed }: { of: Container; changed: () => void }) {
  const [editing, setEditing] = useState(false);
  if (!isEntry(of)) {
    return null;
  }
  const close = (done: boolean) => {
    setEditing(false);
    if (done) {
      changed();
    }
  };
  return (
    <details class="card">
      <summary>Settings</summary>
      <div class="stack">
        <Facts rows={settingRows(of)} />
        <p>
          <ActionButton ask={editQuestion(of)} onClick={() => setEditing(true)}>
            Change settings
          </ActionButton>
        </p>
      </div>
      {editing && <EditContainerDialog entry={of} onClose={close} />}
    </details>
  );
}

function settingRows(entry: Entry) {
  const { location, sku, retentionDays, purgeProtection, recoveryLevel, created, tags } = entry.kind === "hsm" ? entry.hsm : entry.vault;
  return [
    ["Resource group", segmentAfter(entry.resource ?? "", "resourceGroups")],
    ["Location", location],
    ["SKU", sku],
    ["Retention", `${retentionDays} days`],
    ["Purge protection", purgeProtection ? "on" : "off"],
    ["Recovery level", recoveryLevel],
    ["Access to contents", entry.kind === "hsm" ? "local RBAC" : decidedByPolicies(entry) ? "access policies" : "Azure RBAC"],
    ["Created", <Instant at={created} />],
    ["Tags", <Tags tags={tags} />],
  ] as const;
}

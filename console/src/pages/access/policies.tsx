import { useState } from "preact/hooks";
import { CONTROL } from "../../access/actions.js";
import { forgetVerdicts, type Question } from "../../access/verdict.js";
import { vaults } from "../../api/clients.js";
import type { AccessPolicy, Vault } from "../../gen/strongroom/v1/vault_pb.js";
import { objectId, principalName, principals } from "../../session/config.js";
import { ActionButton } from "../../ui/button.js";
import { ConfirmDialog, Dialog } from "../../ui/dialog.js";
import { Show } from "../../ui/failure.js";
import { TextField } from "../../ui/fields.js";
import { useLoad } from "../../ui/hooks.js";
import { type Column, Table } from "../../ui/table.js";

/** The access policies of a vault, which decide about its contents. */
export function AccessPolicies({ vault, changed }: { vault: string; changed: () => void }) {
  const found = useLoad(() => vaults.getVault({ name: vault }), [vault]);
  const reload = () => {
    forgetVerdicts();
    found.reload();
    changed();
  };
  return (
    <section>
      <h2>Access policies</h2>
      <p class="note">Access policies decide about the contents of this vault. Data actions of roles have no effect in it.</p>
      <Show of={found} what="access policies">
        {(current) => <Policies vault={current} changed={reload} />}
      </Show>
    </section>
  );
}

function policyQuestion(vault: string): Question {
  return { plane: "control", scope: vault, action: CONTROL.policyWrite };
}

function Policies({ vault, changed }: { vault: Vault; changed: () => void }) {
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<AccessPolicy | undefined>(undefined);
  const close = (done: boolean) => {
    setAdding(false);
    setRemoving(undefined);
    if (done) {
      changed();
    }
  };
  const ask = policyQuestion(vault.name);
  const names = (list: { names: string[] } | undefined) => list?.names.join(", ") || "none";
  const columns: Column<AccessPolicy>[] = [
    { head: "Principal", title: true, cell: ({ principalId }) => <span title={principalId}>{principalName(principalId)}</span> },
    { head: "Application", cell: ({ applicationId }) => applicationId || "any" },
    { head: "Keys", cell: ({ permissions }) => names(permissions?.keys) },
    { head: "Secrets", cell: ({ permissions }) => names(permissions?.secrets) },
    { head: "Certificates", cell: ({ permissions }) => names(permissions?.certificates) },
    {
      head: "Actions",
      hidden: true,
      cell: (policy) => (
        <div class="row-actions">
          <ActionButton ask={ask} label={`Remove the policy of ${principalName(policy.principalId)}`} onClick={() => setRemoving(policy)}>
            Remove
          </ActionButton>
        </div>
      ),
    },
  ];
  return (
    <>
      <div class="toolbar">
        <ActionButton kind="primary" ask={ask} onClick={() => setAdding(true)}>
          Set a policy
        </ActionButton>
      </div>
      <Table
        caption="Access policies"
        hideCaption
        columns={columns}
        rows={vault.accessPolicies}
        rowKey={({ principalId, applicationId }) => `${principalId} ${applicationId}`}
        empty="There are no access policies: nobody has access to the contents."
      />
      {adding && <SetPolicyDialog vault={vault} onClose={close} />}
      {removing !== undefined && (
        <ConfirmDialog
          title={`Remove the policy of ${principalName(removing.principalId)}?`}
          confirm="Remove"
          danger
          ask={ask}
          done="The access policy is removed"
          change={() => vaults.updateVaultAccessPolicies({ name: vault.name, change: "remove", accessPolicies: [removing] })}
          onClose={close}
        >
          <p>The change takes effect with the next call.</p>
        </ConfirmDialog>
      )}
    </>
  );
}

function SetPolicyDialog({ vault, onClose }: { vault: Vault; onClose: (done: boolean) => void }) {
  const [principal, setPrincipal] = useState("");
  const [keys, setKeys] = useState("");
  const [secrets, setSecrets] = useState("");
  const [certificates, setCertificates] = useState("");
  const list = (text: string) => ({ names: text.split(/[\s,]+/).filter(Boolean) });
  const change = () =>
    vaults.updateVaultAccessPolicies({
      name: vault.name,
      change: "replace",
      accessPolicies: [
        {
          tenantId: vault.tenantId,
          principalId: objectId(principal.trim()),
          permissions: { keys: list(keys), secrets: list(secrets), certificates: list(certificates) },
        },
      ],
    });
  return (
    <Dialog
      title="Set the access policy of a principal"
      confirm="Set"
      ask={policyQuestion(vault.name)}
      ready={principal.trim() !== ""}
      done="The access policy is set"
      change={change}
      onClose={onClose}
    >
      <TextField
        label="Principal"
        hint="A principal's object id, or its name in the simulator."
        list={principals().map(({ name }) => name)}
        value={principal}
        onChange={setPrincipal}
        required
      />
      <TextField label="Keys" hint="Separated by commas: get, list, sign, ... all does not include purge." value={keys} onChange={setKeys} />
      <TextField label="Secrets" hint="get, list, set, delete, backup, restore, recover, purge" value={secrets} onChange={setSecrets} />
      <TextField label="Certificates" hint="get, list, create, update, import, delete, recover, purge, ..." value={certificates} onChange={setCertificates} />
    </Dialog>
  );
}

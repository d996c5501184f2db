import { vaults } from "../../api/clients.js";
import type { AccessPolicy } from "../../gen/strongroom/v1/vault_pb.js";
import { principalName } from "../../session/config.js";
import { Show } from "../../ui/failure.js";
import { useLoad } from "../../ui/hooks.js";
import { Table } from "../../ui/table.js";

/** The access policies of a vault, which decide about its contents. */
export function AccessPolicies({ vault }: { vault: string }) {
  const found = useLoad(() => vaults.getVault({ name: vault }), [vault]);
  const names = (list: { names: string[] } | undefined) => list?.names.join(", ") || "none";
  return (
    <section>
      <h2>Access policies</h2>
      <p class="note">Access policies decide about the contents of this vault. Its data actions in roles have no effect.</p>
      <Show of={found} what="access policies">
        {({ accessPolicies }) => (
          <Table
            caption="Access policies"
            hideCaption
            columns={[
              {
                head: "Principal",
                title: true,
                cell: ({ principalId }: AccessPolicy) => <span title={principalId}>{principalName(principalId)}</span>,
              },
              { head: "Application", cell: ({ applicationId }) => applicationId || "any" },
              { head: "Keys", cell: ({ permissions }) => names(permissions?.keys) },
              { head: "Secrets", cell: ({ permissions }) => names(permissions?.secrets) },
              { head: "Certificates", cell: ({ permissions }) => names(permissions?.certificates) },
            ]}
            rows={accessPolicies}
            rowKey={({ principalId, applicationId }) => `${principalId} ${applicationId}`}
            empty="There are no access policies: nobody has access to the contents."
          />
        )}
      </Show>
    </section>
  );
}

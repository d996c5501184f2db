import { useState } from "preact/hooks";
import { CONTROL } from "../../access/actions.js";
import type { Question } from "../../access/verdict.js";
import { hsms, vaults } from "../../api/clients.js";
import type { Entry } from "../../model/containers.js";
import { kindTitle } from "../../model/names.js";
import { Dialog } from "../../ui/dialog.js";
import { CheckField, formatTags, parseTags, SelectField, TagsField } from "../../ui/fields.js";

export function editQuestion({ kind, resource = "" }: Entry): Question {
  return { plane: "control", scope: resource, action: kind === "hsm" ? CONTROL.hsmWrite : CONTROL.vaultWrite };
}

/** Changes the tags and the protection of a container, and who decides about the contents of a vault. */
export function EditContainerDialog({ entry, onClose }: { entry: Entry; onClose: (changed: boolean) => void }) {
  const { tags: before, purgeProtection: protectedBefore } = entry.kind === "hsm" ? entry.hsm : entry.vault;
  const rbacBefore = entry.kind === "vault" && entry.vault.rbacAuthorization !== false;
  const [tags, setTags] = useState(formatTags(before));
  const [protection, setProtection] = useState(protectedBefore);
  const [model, setModel] = useState(rbacBefore ? "rbac" : "policies");
  const change = () => {
    const common = { name: entry.resource ?? "", tags: parseTags(tags), purgeProtection: protection };
    const paths = ["tags", ...(protection === protectedBefore ? [] : ["purge_protection"])];
    if (entry.kind === "hsm") {
      return hsms.updateManagedHsm({ managedHsm: common, updateMask: { paths } });
    }
    const rbacAuthorization = model === "rbac";
    const all = rbacAuthorization === rbacBefore ? paths : [...paths, "rbac_authorization"];
    return vaults.updateVault({ vault: { ...common, rbacAuthorization }, updateMask: { paths: all } });
  };
  return (
    <Dialog
      title={`Settings of ${kindTitle(entry.kind)} ${entry.name}`}
      confirm="Save"
      ask={editQuestion(entry)}
      done={`${kindTitle(entry.kind)} ${entry.name} is updated`}
      change={change}
      onClose={onClose}
    >
      {entry.kind === "vault" && (
        <SelectField
          label="Access to contents"
          hint="The other one is kept without effect."
          value={model}
          onChange={setModel}
          options={[
            { value: "rbac", label: "Azure RBAC" },
            { value: "policies", label: "Access policies" },
          ]}
        />
      )}
      {protectedBefore ? (
        <p>Purge protection is on, and cannot be switched off.</p>
      ) : (
        <CheckField
          label="Purge protection"
          hint="Nobody can purge it, or what is in it, before the scheduled purge date. Cannot be switched off."
          checked={protection}
          onChange={setProtection}
        />
      )}
      <TagsField value={tags} onChange={setTags} />
    </Dialog>
  );
}

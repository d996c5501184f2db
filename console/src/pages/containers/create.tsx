import { useState } from "preact/hooks";
import { CONTROL } from "../../access/actions.js";
import { hsms, resources, vaults } from "../../api/clients.js";
import type { Inventory } from "../../model/containers.js";
import { type ContainerKind, kindTitle, lastSegment, resourceGroupOf, subscriptionOf } from "../../model/names.js";
import { objectId } from "../../session/config.js";
import { session } from "../../session/session.js";
import { Dialog } from "../../ui/dialog.js";
import { CheckField, parseTags, SelectField, TagsField, TextField } from "../../ui/fields.js";
import { useLoad } from "../../ui/hooks.js";

interface Props {
  inventory: Inventory;
  onClose: (changed: boolean) => void;
}

/** Creates a managed HSM or a vault. */
export function CreateContainerDialog({ inventory, onClose }: Props) {
  const groups = groupNames(inventory);
  const [kind, setKind] = useState<ContainerKind>("vault");
  const [name, setName] = useState("");
  const [parent, setParent] = useState(groups[0] ?? "");
  const [location, setLocation] = useState("");
  const [retention, setRetention] = useState("90");
  const [protection, setProtection] = useState(false);
  const [sku, setSku] = useState("premium");
  const [model, setModel] = useState("rbac");
  const [administrators, setAdministrators] = useState(session.get()?.id ?? "");
  const [tags, setTags] = useState("");
  const subscription = subscriptionOf(parent);
  const locations = useLoad(() => resources.listLocations({ parent: subscription }), [subscription]);
  const places = locations.value?.locations.map((found) => ({ value: lastSegment(found.name), label: found.displayName })) ?? [];
  // Who may create an HSM need not be allowed to list locations; then its name is typed.
  const usual = usualLocation(inventory, parent);
  const chosen = location !== "" ? location : (places.find(({ value }) => value === usual)?.value ?? places[0]?.value ?? usual);
  const common = { location: chosen, retentionDays: Number(retention), purgeProtection: protection, tags: parseTags(tags) };
  const change = () =>
    kind === "hsm"
      ? hsms.createManagedHsm({
          parent,
          managedHsmId: name,
          managedHsm: { ...common, administrators: administrators.split(/[\s,]+/).filter(Boolean).map(objectId) },
        })
      : vaults.createVault({ parent, vaultId: name, vault: { ...common, sku, rbacAuthorization: model === "rbac" } });
  const action = kind === "hsm" ? CONTROL.hsmWrite : CONTROL.vaultWrite;
  return (
    <Dialog
      title="Create an HSM or a vault"
      confirm="Create"
      ask={{ plane: "control", scope: parent, action }}
      ready={name !== "" && parent !== "" && chosen !== ""}
      done={`${kindTitle(kind)} ${name} is created${kind === "hsm" ? "; activate it before it is used" : ""}`}
      change={change}
      onClose={onClose}
    >
      <div class="grid">
        <SelectField
          label="Kind"
          value={kind}
          onChange={(value) => setKind(value === "hsm" ? "hsm" : "vault")}
          options={(["vault", "hsm"] as const).map((value) => ({ value, label: kindTitle(value) }))}
        />
        <TextField label="Name" hint="3 to 24 letters, digits and single hyphens." value={name} onChange={setName} required />
        <SelectField
          label="Resource group"
          value={parent}
          onChange={setParent}
          options={groups.map((group) => ({ value: group, label: lastSegment(group) }))}
        />
        {locations.failure === undefined ? (
          <SelectField label="Location" value={chosen} onChange={setLocation} options={places} />
        ) : (
          <TextField label="Location" value={chosen} onChange={setLocation} required />
        )}
        <TextField label="Retention in days" hint="7 to 90; cannot be changed later." type="number" value={retention} onChange={setRetention} />
        {kind === "vault" && <SelectField label="SKU" value={sku} onChange={setSku} options={["premium", "standard"]} />}
        {kind === "vault" && (
          <SelectField
            label="Access to contents"
            value={model}
            onChange={setModel}
            options={[
              { value: "rbac", label: "Azure RBAC" },
              { value: "policies", label: "Access policies" },
            ]}
          />
        )}
      </div>
      {kind === "hsm" && (
        <TextField
          label="Administrators"
          hint="Names or object ids of the principals that become Managed HSM Administrator, separated by commas."
          value={administrators}
          onChange={setAdministrators}
        />
      )}
      <CheckField
        label="Purge protection"
        hint="Nobody can purge it, or what is in it, before the scheduled purge date. Cannot be switched off."
        checked={protection}
        onChange={setProtection}
      />
      <TagsField value={tags} onChange={setTags} />
    </Dialog>
  );
}

/** The resource groups that are listed, and those of containers: a role may permit one list and not the other. */
function groupNames({ groups, entries }: Inventory): string[] {
  return [...new Set([...groups.map(({ name }) => name), ...entries.map(({ resource }) => resourceGroupOf(resource ?? ""))])];
}

/** The location of the resource group, or else of a container in it. */
function usualLocation({ groups, entries }: Inventory, parent: string): string {
  const entry = entries.find(({ resource }) => resourceGroupOf(resource ?? "") === parent);
  const settings = entry?.kind === "hsm" ? entry.hsm : entry?.vault;
  return groups.find(({ name }) => name === parent)?.location ?? settings?.location ?? "";
}

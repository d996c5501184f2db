import { hsms, vaults } from "../../api/clients.js";
import type { Entry } from "../../model/containers.js";
import { dataPlane, kindTitle } from "../../model/names.js";
import { ConfirmDialog, Dialog } from "../../ui/dialog.js";

interface Props {
  entry: Entry;
  onClose: (changed: boolean) => void;
}

export function DeleteContainerDialog({ entry, onClose }: Props) {
  const { kind, name, resource = "" } = entry;
  const { retentionDays = 0 } = kind === "hsm" ? entry.hsm : entry.vault;
  const permanent = kind === "vault" && entry.vault.softDelete === false;
  const change = async () => {
    await (kind === "hsm" ? hsms.deleteManagedHsm({ name: resource }) : vaults.deleteVault({ name: resource }));
  };
  return (
    <ConfirmDialog
      title={`Delete ${kindTitle(kind)} ${name}?`}
      confirm="Delete"
      danger
      {...(permanent ? { typed: name } : {})}
      done={`${kindTitle(kind)} ${name} is deleted`}
      change={change}
      onClose={onClose}
    >
      <p>
        {permanent
          ? "The vault has no soft-delete: it is purged at once, with everything in it."
          : `It is kept with everything in it for ${retentionDays} days, can be recovered until then, and is then purged.`}
      </p>
      {kind === "hsm" && <p>A deleted HSM keeps its hardware, and costs what a running one costs until it is purged.</p>}
    </ConfirmDialog>
  );
}

export function ActivateDialog({ entry, onClose }: Props) {
  const name = dataPlane(entry);
  return (
    <Dialog
      title={`Activate Managed HSM ${entry.name}?`}
      confirm="Activate"
      done={`Managed HSM ${entry.name} is activated`}
      change={() => hsms.activateManagedHsm({ name })}
      onClose={onClose}
    >
      <p>Its data plane refuses all other calls until it is activated. This needs a local role of the HSM, such as Administrator.</p>
    </Dialog>
  );
}

import { useState } from "preact/hooks";
import type { Question } from "../../access/verdict.js";
import { access, authorization } from "../../api/clients.js";
import type { RoleDefinition } from "../../gen/strongroom/v1/access_pb.js";
import { resourceGroupOf } from "../../model/names.js";
import { ConfirmDialog, Dialog } from "../../ui/dialog.js";
import { TextField } from "../../ui/fields.js";
import type { Place } from "./place.js";

/** The permission that changing role definitions needs. */
export function roleQuestion({ plane, parent }: Place, change: "write" | "delete"): Question {
  return plane === "hsm"
    ? { plane, hsm: parent, action: `roleDefinitions/${change}`, scope: "/" }
    : { plane: "control", scope: resourceGroupOf(parent), action: `Microsoft.Authorization/roleDefinitions/${change}` };
}

interface CreateProps {
  place: Place;
  onClose: (done: boolean) => void;
}

/** Creates a custom role. Those of the control plane can be assigned in subscriptions and resource groups only. */
export function CreateRoleDialog({ place, onClose }: CreateProps) {
  const hsm = place.plane === "hsm";
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [actions, setActions] = useState("");
  const [dataActions, setDataActions] = useState("");
  const [excluded, setExcluded] = useState("");
  const permission = {
    actions: hsm ? [] : lines(actions),
    dataActions: lines(dataActions).map(full),
    notDataActions: lines(excluded).map(full),
  };
  const change = () => {
    const roleDefinition = { roleName: name, description, permissions: [permission] };
    const scope = resourceGroupOf(place.parent);
    return hsm
      ? access.putRoleDefinition({ parent: place.parent, roleDefinition })
      : authorization.putControlRoleDefinition({ parent: scope, roleDefinition: { ...roleDefinition, assignableScopes: [`/${scope}`] } });
  };
  return (
    <Dialog
      title={`Create a role: ${place.title}`}
      confirm="Create"
      ask={roleQuestion(place, "write")}
      ready={name.trim() !== "" && permission.actions.length + permission.dataActions.length > 0}
      done={`Role ${name} is created`}
      change={change}
      onClose={onClose}
    >
      <div class="grid">
        <TextField label="Name" value={name} onChange={setName} required />
        <TextField label="Description" value={description} onChange={setDescription} />
      </div>
      {!hsm && <TextField label="Actions" hint="One on each line; * is any text." rows={3} value={actions} onChange={setActions} />}
      <TextField
        label="Data actions"
        hint={hsm ? "One on each line, for example keys/sign/action or keys/*." : "One on each line, for example Microsoft.KeyVault/vaults/secrets/*."}
        rows={4}
        value={dataActions}
        onChange={setDataActions}
      />
      <TextField label="Excluded data actions" hint="One on each line." rows={2} value={excluded} onChange={setExcluded} />
    </Dialog>
  );
}

function lines(text: string): string[] {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

/** Actions of an HSM may be given without their prefix. */
function full(action: string): string {
  return action === "*" || action.startsWith("Microsoft.") ? action : `Microsoft.KeyVault/managedHsm/${action}`;
}

interface DeleteProps extends CreateProps {
  role: RoleDefinition;
}

export function DeleteRoleDialog({ place, role: { name, roleName }, onClose }: DeleteProps) {
  const hsm = place.plane === "hsm";
  return (
    <ConfirmDialog
      title={`Delete role ${roleName}?`}
      confirm="Delete"
      danger
      ask={roleQuestion(place, "delete")}
      done={`Role ${roleName} is deleted`}
      change={() => (hsm ? access.deleteRoleDefinition({ name }) : authorization.deleteControlRoleDefinition({ name }))}
      onClose={onClose}
    >
      <p>{hsm ? "Its assignments remain and grant nothing." : "A role that is assigned cannot be deleted."}</p>
    </ConfirmDialog>
  );
}

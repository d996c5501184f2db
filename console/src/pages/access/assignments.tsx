import { useState } from "preact/hooks";
import { forgetVerdicts } from "../../access/verdict.js";
import { access, authorization } from "../../api/clients.js";
import type { RoleAssignment, RoleDefinition } from "../../gen/strongroom/v1/access_pb.js";
import { lastSegment } from "../../model/names.js";
import { objectId, principalName, principals } from "../../session/config.js";
import { ActionButton } from "../../ui/button.js";
import { ConfirmDialog, Dialog } from "../../ui/dialog.js";
import { SelectField, TextField } from "../../ui/fields.js";
import { type Column, Table } from "../../ui/table.js";
import { assignmentQuestion, type Place } from "./place.js";

interface Props {
  place: Place;
  assignments: readonly RoleAssignment[];
  roles: readonly RoleDefinition[];
  changed: () => void;
}

/** Who has which role where. */
export function Assignments({ place, assignments, roles, changed }: Props) {
  const [assigning, setAssigning] = useState(false);
  const [removing, setRemoving] = useState<RoleAssignment | undefined>(undefined);
  const close = (done: boolean) => {
    setAssigning(false);
    setRemoving(undefined);
    if (done) {
      forgetVerdicts();
      changed();
    }
  };
  const roleName = ({ roleDefinition }: RoleAssignment) =>
    roles.find(({ name }) => lastSegment(name) === lastSegment(roleDefinition))?.roleName ?? lastSegment(roleDefinition);
  const columns: Column<RoleAssignment>[] = [
    { head: "Principal", title: true, cell: ({ principalId }) => <span title={principalId}>{principalName(principalId)}</span> },
    { head: "Role", cell: roleName },
    { head: "Scope", cell: ({ scope }) => <code>{scope}</code> },
    {
      head: "Actions",
      hidden: true,
      cell: (assignment) => (
        <div class="row-actions">
          <ActionButton
            ask={assignmentQuestion(place, assignment.scope, "delete")}
            label={`Remove ${roleName(assignment)} from ${principalName(assignment.principalId)}`}
            onClick={() => setRemoving(assignment)}
          >
            Remove
          </ActionButton>
        </div>
      ),
    },
  ];
  return (
    <section>
      <h2>Role assignments</h2>
      <div class="toolbar">
        <ActionButton kind="primary" ask={assignmentQuestion(place, "", "write")} onClick={() => setAssigning(true)}>
          Assign a role
        </ActionButton>
      </div>
      <Table
        caption="Role assignments"
        hideCaption
        columns={columns}
        rows={assignments}
        rowKey={({ name }) => name}
        empty="No role is assigned here."
      />
      {assigning && <AssignDialog place={place} roles={roles} onClose={close} />}
      {removing !== undefined && <RemoveDialog place={place} assignment={removing} roleName={roleName(removing)} onClose={close} />}
    </section>
  );
}

interface AssignProps {
  place: Place;
  roles: readonly RoleDefinition[];
  onClose: (done: boolean) => void;
}

function AssignDialog({ place, roles, onClose }: AssignProps) {
  const [principal, setPrincipal] = useState("");
  const [role, setRole] = useState(roles[0]?.name ?? "");
  const [scope, setScope] = useState("/");
  const hsm = place.plane === "hsm";
  const change = () => {
    const request = { parent: place.parent, roleDefinition: role, principalId: objectId(principal.trim()) };
    return hsm ? access.createRoleAssignment({ ...request, scope }) : authorization.createControlRoleAssignment(request);
  };
  return (
    <Dialog
      title={`Assign a role: ${place.title}`}
      confirm="Assign"
      ask={assignmentQuestion(place, hsm ? scope : "", "write")}
      ready={principal.trim() !== "" && role !== ""}
      done="The role is assigned"
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
      <SelectField label="Role" value={role} onChange={setRole} options={roles.map(({ name, roleName }) => ({ value: name, label: roleName }))} />
      {hsm ? (
        <TextField label="Scope" hint="/, /keys or /keys/NAME" value={scope} onChange={setScope} required />
      ) : (
        <p>
          At <code>/{place.parent}</code>, and everything below it.
        </p>
      )}
    </Dialog>
  );
}

interface RemoveProps {
  place: Place;
  assignment: RoleAssignment;
  roleName: string;
  onClose: (done: boolean) => void;
}

function RemoveDialog({ place, assignment: { name, scope, principalId }, roleName, onClose }: RemoveProps) {
  return (
    <ConfirmDialog
      title={`Remove ${roleName} from ${principalName(principalId)}?`}
      confirm="Remove"
      danger
      ask={assignmentQuestion(place, scope, "delete")}
      done="The role assignment is removed"
      change={() => (place.plane === "hsm" ? access.deleteRoleAssignment({ name }) : authorization.deleteControlRoleAssignment({ name }))}
      onClose={onClose}
    >
      <p>
        At the scope <code>{scope}</code>. The change takes effect with the next call.
      </p>
    </ConfirmDialog>
  );
}

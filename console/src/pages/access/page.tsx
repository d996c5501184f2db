import { useState } from "preact/hooks";
import { listRoles } from "../../access/roles.js";
import { fetchInventory } from "../../model/containers.js";
import { useStore } from "../../model/store.js";
import { route, setQuery } from "../../router.js";
import { Show } from "../../ui/failure.js";
import { SelectField, TextField } from "../../ui/fields.js";
import { useLoad } from "../../ui/hooks.js";
import { NothingKnown } from "../containers/open.js";
import { Assignments } from "./assignments.js";
import { Matrix } from "./matrix.js";
import { listAssignments, type Place, places } from "./place.js";
import { AccessPolicies } from "./policies.js";
import { Roles } from "./roles.js";

/** Who may do what, where, and why. */
export function AccessPage() {
  const found = useLoad(async () => places(await fetchInventory()), []);
  return (
    <>
      <h1 tabIndex={-1}>Access</h1>
      <p class="lead">
        The contents of an HSM are governed by its local roles, those of a vault by Azure RBAC or by access policies, and resources by the roles
        of the control plane. A role at a scope applies to everything below it.
      </p>
      <Show of={found} what="scopes">
        {(all) => (all.length === 0 ? <NothingKnown then="and its roles are listed here." /> : <Chosen all={all} />)}
      </Show>
    </>
  );
}

function Chosen({ all }: { all: readonly Place[] }) {
  const { query } = useStore(route);
  const scope = query.get("scope") ?? "";
  const place = all.find(({ id }) => id === query.get("at")) ?? all[0];
  if (place === undefined) {
    return null;
  }
  return (
    <>
      <div class="filters">
        <SelectField
          label="At"
          broad
          value={place.id}
          onChange={(at) => setQuery({ at, scope: "" })}
          options={all.map(({ id, title }) => ({ value: id, label: title }))}
        />
        {place.plane !== "control" && (
          <TextField
            label="Scope"
            hint={place.plane === "hsm" ? "/, /keys or /keys/NAME" : "Empty for the vault, or secrets/NAME, keys/NAME, certificates/NAME"}
            value={scope}
            onChange={(text) => setQuery({ scope: text })}
          />
        )}
      </div>
      <Details key={place.id} place={place} scope={scope} />
    </>
  );
}

function Details({ place, scope }: { place: Place; scope: string }) {
  // Counts changes of access policies, after which the matrix is asked for again.
  const [version, setVersion] = useState(0);
  const assignments = useLoad(() => listAssignments(place), [place.id]);
  const roles = useLoad(() => listRoles(place.parent), [place.id]);
  return (
    <>
      {place.byPolicies && <AccessPolicies vault={place.parent} changed={() => setVersion(version + 1)} />}
      <Show of={assignments} what="role assignments">
        {(found) => (
          <>
            <Matrix key={version} place={place} scope={scope} assignments={found} />
            <Assignments place={place} assignments={found} roles={roles.value ?? []} changed={assignments.reload} />
          </>
        )}
      </Show>
      <Show of={roles} what="roles">
        {(found) => <Roles place={place} roles={found} changed={roles.reload} />}
      </Show>
    </>
  );
}

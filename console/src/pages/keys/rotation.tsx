import { useState } from "preact/hooks";
import { ACTIONS } from "../../access/actions.js";
import { containerQuestion } from "../../access/verdict.js";
import { keys } from "../../api/clients.js";
import type { KeyRotationPolicy } from "../../gen/strongroom/v1/key_pb.js";
import { type Container, dataPlane } from "../../model/names.js";
import { ActionButton } from "../../ui/button.js";
import { Dialog } from "../../ui/dialog.js";
import { Show } from "../../ui/failure.js";
import { SelectField, TextField } from "../../ui/fields.js";
import { useLoad } from "../../ui/hooks.js";
import { Facts, Instant } from "../../ui/text.js";

interface Props {
  container: Container;
  name: string;
}

/** When the service rotates a key. */
export function RotationPolicy({ container, name }: Props) {
  const [editing, setEditing] = useState(false);
  const resource = `${dataPlane(container)}/keys/${name}/rotationPolicy`;
  const policy = useLoad(() => keys.getKeyRotationPolicy({ name: resource }), [resource]);
  return (
    <section>
      <h2>Rotation policy</h2>
      <Show of={policy} what="the rotation policy">
        {(found) => (
          <div class="card">
            <Summary of={found} />
            <ActionButton ask={containerQuestion(container, ACTIONS.keyPolicy, `keys/${name}`)} onClick={() => setEditing(true)}>
              Change rotation policy
            </ActionButton>
            {editing && (
              <PolicyDialog
                container={container}
                name={name}
                policy={found}
                onClose={(changed) => {
                  setEditing(false);
                  if (changed) {
                    policy.reload();
                  }
                }}
              />
            )}
          </div>
        )}
      </Show>
    </section>
  );
}

function Summary({ of: { lifetimeActions, expiryTime, updated } }: { of: KeyRotationPolicy }) {
  const [action] = lifetimeActions;
  if (action === undefined && expiryTime === "") {
    return <p>The key has no rotation policy: it is never rotated automatically, and cannot be rotated on demand.</p>;
  }
  const when =
    action === undefined
      ? "never"
      : action.timeAfterCreate !== ""
        ? `${action.timeAfterCreate} after its creation`
        : `${action.timeBeforeExpiry} before its expiry`;
  return (
    <Facts
      rows={[
        ["Rotates the current version", when],
        ["Lifetime of new versions", expiryTime || "unlimited"],
        ["Updated", <Instant at={updated} />],
      ]}
    />
  );
}

function PolicyDialog({ container, name, policy, onClose }: Props & { policy: KeyRotationPolicy; onClose: (changed: boolean) => void }) {
  const [action] = policy.lifetimeActions;
  const [trigger, setTrigger] = useState(action === undefined ? "none" : action.timeAfterCreate !== "" ? "after" : "before");
  const [period, setPeriod] = useState((action?.timeAfterCreate || action?.timeBeforeExpiry) ?? "P90D");
  const [expiry, setExpiry] = useState(policy.expiryTime);
  const change = () => {
    const actions = {
      none: [],
      after: [{ action: "rotate", timeAfterCreate: period }],
      before: [{ action: "rotate", timeBeforeExpiry: period }],
    };
    return keys.updateKeyRotationPolicy({
      name: `${dataPlane(container)}/keys/${name}/rotationPolicy`,
      expiryTime: expiry,
      lifetimeActions: actions[trigger as keyof typeof actions],
    });
  };
  return (
    <Dialog
      title={`Rotation policy of ${name}`}
      confirm="Save"
      ask={containerQuestion(container, ACTIONS.keyPolicy, `keys/${name}`)}
      done={`The rotation policy of ${name} is saved`}
      change={change}
      onClose={onClose}
    >
      <SelectField
        label="Rotate automatically"
        value={trigger}
        onChange={setTrigger}
        options={[
          { value: "none", label: "Never" },
          { value: "after", label: "A time after creation" },
          { value: "before", label: "A time before expiry" },
        ]}
      />
      {trigger !== "none" && (
        <TextField label="Time" hint="ISO 8601, at least 28 days: P90D, P2M, P1Y6M." value={period} onChange={setPeriod} required />
      )}
      <TextField label="Lifetime of new versions" hint="ISO 8601, at least 28 days; empty if they do not expire." value={expiry} onChange={setExpiry} />
    </Dialog>
  );
}

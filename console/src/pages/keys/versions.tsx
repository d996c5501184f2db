import { ACTIONS } from "../../access/actions.js";
import { containerQuestion } from "../../access/verdict.js";
import { keys } from "../../api/clients.js";
import type { KeyBundle } from "../../gen/strongroom/v1/key_pb.js";
import { lastSegment } from "../../model/names.js";
import { announce } from "../../ui/announce.js";
import { ActionButton } from "../../ui/button.js";
import { FailurePanel } from "../../ui/failure.js";
import { useTask } from "../../ui/hooks.js";
import { type Column, Table } from "../../ui/table.js";
import { Badge, Enabled, Instant, Tags } from "../../ui/text.js";
import type { FoundKey } from "./detail.js";
import { keyType } from "./kinds.js";

/** The versions of a key, to be enabled and disabled. */
export function Versions({ of: { container, current, versions }, changed }: { of: FoundKey; changed: () => void }) {
  const name = lastSegment(current.name.replace(/\/versions\/.*/, ""));
  const ask = containerQuestion(container, ACTIONS.keyUpdate, `keys/${name}`);
  const task = useTask(ask);
  const toggle = async (version: KeyBundle) => {
    const enabled = !version.enabled;
    const change = () =>
      keys.updateKeyVersion({
        name: version.name,
        attributes: { enabled },
        updateMask: { paths: ["attributes.enabled"] },
      });
    if (await task.run(change)) {
      announce(`Version ${lastSegment(version.name)} is ${enabled ? "enabled" : "disabled"}`);
      changed();
    }
  };
  const columns: Column<KeyBundle>[] = [
    { head: "Version", title: true, cell: (version) => <code>{lastSegment(version.name)}</code> },
    { head: "Type", cell: keyType },
    {
      head: "State",
      cell: (version) => (
        <>
          <Enabled on={version.enabled} /> {version.name === current.name && <Badge tone="neutral">current</Badge>}
        </>
      ),
    },
    { head: "Created", cell: ({ created }) => <Instant at={created} /> },
    { head: "Expires", cell: ({ expires }) => <Instant at={expires} /> },
    { head: "Tags", cell: ({ tags }) => <Tags tags={tags} /> },
    {
      head: "Actions",
      hidden: true,
      cell: (version) => (
        <ActionButton
          ask={ask}
          disabled={task.busy || version.managed}
          label={`${version.enabled ? "Disable" : "Enable"} version ${lastSegment(version.name)}`}
          onClick={() => void toggle(version)}
        >
          {version.enabled ? "Disable" : "Enable"}
        </ActionButton>
      ),
    },
  ];
  return (
    <section>
      <h2>Versions</h2>
      {task.failure !== undefined && <FailurePanel failure={task.failure} />}
      <Table caption="Versions" hideCaption columns={columns} rows={versions} rowKey={(version) => version.name} empty="No versions." />
    </section>
  );
}

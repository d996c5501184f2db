import { useState } from "preact/hooks";
import { CONTROL } from "../../access/actions.js";
import type { Question } from "../../access/verdict.js";
import { usage } from "../../api/clients.js";
import type { Budget } from "../../gen/strongroom/v1/usage_pb.js";
import { formatMoney } from "../../model/decimal.js";
import { lastSegment } from "../../model/names.js";
import { ActionButton } from "../../ui/button.js";
import { ConfirmDialog, Dialog } from "../../ui/dialog.js";
import { SelectField, TextField } from "../../ui/fields.js";
import { type Column, Table } from "../../ui/table.js";
import { Instant } from "../../ui/text.js";
import type { Costs } from "./data.js";

interface Props {
  parent: string;
  costs: Costs;
  changed: () => void;
}

/** Amounts per calendar month whose reaching is reported. */
export function Budgets({ parent, costs, changed }: Props) {
  const [creating, setCreating] = useState(false);
  const [removing, setRemoving] = useState<Budget | undefined>(undefined);
  const close = (done: boolean) => {
    setCreating(false);
    setRemoving(undefined);
    if (done) {
      changed();
    }
  };
  const ask = (action: string): Question => ({ plane: "control", scope: parent, action });
  const columns: Column<Budget>[] = [
    { head: "Name", title: true, cell: ({ name }) => lastSegment(name) },
    { head: "Covers", cell: ({ scope }) => (scope === parent ? "the subscription" : lastSegment(scope)) },
    { head: "Amount per month", numeric: true, cell: ({ amount, currency }) => formatMoney(amount, currency) },
    { head: "Last reached", cell: ({ reached }) => <Instant at={reached} /> },
    { head: "Expected next", cell: ({ expected }) => <Instant at={expected} /> },
    {
      head: "Actions",
      hidden: true,
      cell: (budget) => (
        <div class="row-actions">
          <ActionButton ask={ask(CONTROL.budgetDelete)} label={`Delete budget ${lastSegment(budget.name)}`} onClick={() => setRemoving(budget)}>
            Delete
          </ActionButton>
        </div>
      ),
    },
  ];
  return (
    <section>
      <h2>Budgets</h2>
      <div class="toolbar">
        <ActionButton ask={ask(CONTROL.budgetWrite)} onClick={() => setCreating(true)}>
          Create budget
        </ActionButton>
      </div>
      <Table caption="Budgets" hideCaption columns={columns} rows={costs.budgets} rowKey={({ name }) => name} empty="There are no budgets." />
      {creating && <CreateBudgetDialog parent={parent} costs={costs} onClose={close} />}
      {removing !== undefined && (
        <ConfirmDialog
          title={`Delete budget ${lastSegment(removing.name)}?`}
          confirm="Delete"
          danger
          ask={ask(CONTROL.budgetDelete)}
          done={`Budget ${lastSegment(removing.name)} is deleted`}
          change={() => usage.deleteBudget({ name: removing.name })}
          onClose={close}
        >
          <p>Its reaching is no longer reported.</p>
        </ConfirmDialog>
      )}
    </section>
  );
}

function CreateBudgetDialog({ parent, costs, onClose }: Omit<Props, "changed"> & { onClose: (done: boolean) => void }) {
  const [name, setName] = useState("");
  const [amount, setAmount] = useState("");
  const [scope, setScope] = useState(parent);
  const live = costs.containers.filter(({ forecast }) => forecast !== undefined);
  return (
    <Dialog
      title="Create a budget"
      confirm="Create"
      ask={{ plane: "control", scope, action: CONTROL.budgetWrite }}
      ready={name !== "" && amount !== ""}
      done={`Budget ${name} is created`}
      change={() => usage.createBudget({ parent: scope, budgetId: name, amount })}
      onClose={onClose}
    >
      <TextField label="Name" hint="1 to 63 letters, digits, hyphens and underscores." value={name} onChange={setName} required />
      <TextField label={`Amount per month in ${costs.statement.currency}`} value={amount} onChange={setAmount} required />
      <SelectField
        label="Covers"
        value={scope}
        onChange={setScope}
        options={[{ value: parent, label: "The subscription" }, ...live.map(({ resource, name: label }) => ({ value: resource, label }))]}
      />
    </Dialog>
  );
}

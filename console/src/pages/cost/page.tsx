import { useMemo } from "preact/hooks";
import { resources } from "../../api/clients.js";
import { serviceNow } from "../../model/clock.js";
import { type Decimal, formatAmount, formatMoney, parseDecimal, toNumber } from "../../model/decimal.js";
import { lastSegment } from "../../model/names.js";
import { useStore } from "../../model/store.js";
import { formatDay, monthStart } from "../../model/time.js";
import { route, setQuery } from "../../router.js";
import { FailurePanel, Show } from "../../ui/failure.js";
import { SelectField } from "../../ui/fields.js";
import { useLoad, useTask } from "../../ui/hooks.js";
import { type Column, Table } from "../../ui/table.js";
import { Badge, download, Instant } from "../../ui/text.js";
import { Budgets } from "./budgets.js";
import { type ContainerCosts, type Costs, exportUsage, fetchCosts, total } from "./data.js";
import { CostPlot, Legend } from "./plot.js";
import { dayRows } from "./series.js";

/** How many months can be chosen. */
const MONTHS = 12;

/** Accrued cost by day and container, with forecast and budgets. */
export function CostPage() {
  const subscriptions = useLoad(async () => (await resources.listSubscriptions({})).subscriptions, []);
  return (
    <>
      <h1 tabIndex={-1}>Cost</h1>
      <Show of={subscriptions} what="subscriptions">
        {(found) =>
          found.length === 0 ? (
            <p class="notice">This principal has no role on the control plane, where costs are. Owner, Contributor and Reader grant access.</p>
          ) : (
            <Subscription options={found.map(({ name, displayName }) => ({ value: name, label: displayName }))} />
          )
        }
      </Show>
    </>
  );
}

function Subscription({ options }: { options: readonly { value: string; label: string }[] }) {
  const { query } = useStore(route);
  const parent = query.get("subscription") ?? options[0]?.value ?? "";
  const offset = Math.min(0, Math.max(1 - MONTHS, Number(query.get("month") ?? "0") || 0));
  const now = serviceNow() ?? Date.now();
  const [from, to] = [monthStart(now, offset), monthStart(now, offset + 1)];
  const costs = useLoad(() => fetchCosts(parent, from, to), [parent, from]);
  const months = Array.from({ length: MONTHS }, (_, index) => ({ value: String(-index), label: formatDay(monthStart(now, -index)).slice(0, 7) }));
  return (
    <>
      <div class="filters">
        {options.length > 1 && (
          <SelectField label="Subscription" value={parent} onChange={(subscription) => setQuery({ subscription })} options={options} />
        )}
        <SelectField label="Month (UTC)" value={String(offset)} onChange={(month) => setQuery({ month })} options={months} />
      </div>
      <Show of={costs} what="costs">
        {(found) => <Period parent={parent} costs={found} changed={costs.reload} />}
      </Show>
    </>
  );
}

function Period({ parent, costs, changed }: { parent: string; costs: Costs; changed: () => void }) {
  const { statement, until, containers } = costs;
  const { currency } = statement;
  const drawn = useMemo(
    () => costs.budgets.map(({ name, scope, amount }) => {
        const covers = scope === parent ? "of the subscription" : `of ${lastSegment(scope)}`;
        return { name: `${lastSegment(name)} ${covers}`, amount: toNumber(parseDecimal(amount)) };
      }),
    [costs.budgets, parent],
  );
  const summary = `${formatMoney(statement.total, currency)} until ${formatDay(until)}, of which ${formatMoney(statement.softDeleted, currency)} for soft-deleted HSMs and vaults`;
  return (
    <>
      <p class="summary">
        <b>{formatMoney(statement.total, currency)}</b> until <Instant at={until} />, of which <b>{formatMoney(statement.softDeleted, currency)}</b>{" "}
        for soft-deleted HSMs and vaults. {statement.prices}.
      </p>
      {containers.length > 0 && (
        <section>
          <h2>Accrued cost</h2>
          <CostPlot costs={costs} budgets={drawn} summary={`Plot of accrued cost: ${summary}.`} />
          <Legend />
        </section>
      )}
      <ContainerTable costs={costs} />
      <Days costs={costs} />
      <Download parent={parent} costs={costs} />
      <Budgets parent={parent} costs={costs} changed={changed} />
      <Statement costs={costs} />
    </>
  );
}

function ContainerTable({ costs: { containers, statement } }: { costs: Costs }) {
  const amount = (of: (container: ContainerCosts) => Decimal) => (container: ContainerCosts) => formatAmount(of(container));
  const columns: Column<ContainerCosts>[] = [
    { head: "Name", title: true, cell: ({ resource, name }) => `${resource.includes("/vaults/") ? "Vault" : "Managed HSM"} ${name}` },
    {
      head: "State",
      cell: ({ forecast }) =>
        forecast === undefined ? (
          <span class="absent">—</span>
        ) : (
          <Badge tone={forecast.state === "running" ? "good" : "warn"}>{forecast.state}</Badge>
        ),
    },
    { head: "Running", numeric: true, cell: amount(({ running }) => running) },
    { head: "Soft-deleted", numeric: true, cell: amount(({ softDeleted }) => softDeleted) },
    { head: `Total ${statement.currency}`, numeric: true, cell: amount(total) },
    { head: "Per day", numeric: true, cell: ({ forecast }) => (forecast === undefined ? "—" : formatAmount(parseDecimal(forecast.costPerDay))) },
    {
      head: "Purging now saves",
      numeric: true,
      cell: ({ forecast }) => (forecast?.saving === undefined ? "—" : formatAmount(parseDecimal(forecast.saving))),
    },
  ];
  return (
    <section>
      <h2>By HSM and vault</h2>
      <Table
        caption="Cost by HSM and vault"
        hideCaption
        columns={columns}
        rows={containers}
        rowKey={({ life }) => life}
        empty="Nothing was charged in this month."
      />
    </section>
  );
}

function Days({ costs }: { costs: Costs }) {
  const rows = dayRows(costs);
  type Row = (typeof rows)[number];
  const columns: Column<Row>[] = [
    { head: "Day (UTC)", title: true, cell: ({ day }) => formatDay(day) },
    ...costs.containers.map(({ name, life, days }, index) => ({
      head: costs.containers.some((other) => other.name === name && other.life !== life) ? `${name} ${life.slice(0, 8)}` : name,
      numeric: true,
      cell: ({ day, amounts }: Row) => {
        const value = amounts[index];
        return value === undefined ? "—" : `${value.toFixed(2)}${days.get(day)?.deleted === true ? " (soft-deleted)" : ""}`;
      },
    })),
  ];
  if (costs.containers.length === 0) {
    return null;
  }
  return (
    <details class="card">
      <summary>By day</summary>
      <Table caption="Cost by day" hideCaption columns={columns} rows={rows} rowKey={({ day }) => String(day)} empty="No day has passed." />
    </details>
  );
}

function Download({ parent, costs: { from, to } }: { parent: string; costs: Costs }) {
  const task = useTask();
  const save = async () => download(`usage-${formatDay(from).slice(0, 7)}.csv`, "text/csv", await exportUsage(parent, from, to, "csv"));
  return (
    <>
      <div class="toolbar">
        <button type="button" disabled={task.busy} onClick={() => void task.run(save)}>
          Download CSV (FOCUS)
        </button>
      </div>
      {task.failure !== undefined && <FailurePanel failure={task.failure} />}
    </>
  );
}

/** The lines of the statement with their explanations. */
function Statement({ costs: { statement } }: { costs: Costs }) {
  type StatementLine = (typeof statement.lines)[number];
  const columns: Column<StatementLine>[] = [
    { head: "Resource", title: true, cell: ({ resource }) => resource },
    { head: "Meter", cell: ({ meter, class: kind }) => `${meter} ${kind}` },
    { head: "State", cell: ({ state }) => state },
    { head: "Quantity", numeric: true, cell: ({ quantity, unit }) => `${formatAmount(parseDecimal(quantity))} ${unit}` },
    {
      head: "Price",
      numeric: true,
      cell: ({ unitPrice, unitQuantity, assumedPrice }) => `${assumedPrice ? "~" : ""}${unitPrice}${unitQuantity > 1 ? ` / ${unitQuantity}` : ""}`,
    },
    { head: "Amount", numeric: true, cell: ({ amount }) => formatAmount(parseDecimal(amount)) },
    { head: "Explanation", cell: ({ why }) => why },
  ];
  return (
    <details class="card">
      <summary>Statement, line by line</summary>
      <Table
        caption="Statement"
        hideCaption
        columns={columns}
        rows={statement.lines}
        rowKey={(line) => `${line.hsmId} ${line.meter} ${line.class} ${line.state} ${line.resource} ${line.tier}`}
        empty="Nothing was charged."
      />
    </details>
  );
}

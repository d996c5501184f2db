import { useState } from "preact/hooks";
import { CONTROL } from "../../access/actions.js";
import type { Question } from "../../access/verdict.js";
import { usage } from "../../api/clients.js";
import type { Forecast } from "../../gen/strongroom/v1/usage_pb.js";
import { type Entry, fetchInventory, type Inventory, knownContainers } from "../../model/containers.js";
import { formatMoney } from "../../model/decimal.js";
import { kindTitle, segmentAfter } from "../../model/names.js";
import { href } from "../../router.js";
import { ActionButton } from "../../ui/button.js";
import { Show } from "../../ui/failure.js";
import { useLoad } from "../../ui/hooks.js";
import { Refused } from "../../ui/refused.js";
import { type Column, Table } from "../../ui/table.js";
import { Badge, Instant } from "../../ui/text.js";
import { DeletedTable } from "../deleted/table.js";
import { fetchDeletedContainers } from "../deleted/containers.js";
import { ActivateDialog, DeleteContainerDialog } from "./change.js";
import { CreateContainerDialog } from "./create.js";
import { OpenByName } from "./open.js";

type Open = { what: "create" } | { what: "delete" | "activate"; entry: Entry } | undefined;

/** Managed HSMs and vaults, live and deleted. */
export function ContainersPage() {
  const inventory = useLoad(fetchInventory, []);
  const [open, setOpen] = useState<Open>(undefined);
  const close = (changed: boolean) => {
    setOpen(undefined);
    if (changed) {
      inventory.reload();
    }
  };
  return (
    <>
      <h1 tabIndex={-1}>HSMs and vaults</h1>
      <Show of={inventory} what="HSMs and vaults">
        {(found) => (
          <>
            {found.subscriptions.length === 0 ? <NoSubscription found={found} /> : <Live found={found} open={setOpen} />}
            {open?.what === "create" && <CreateContainerDialog inventory={found} onClose={close} />}
            {open?.what === "delete" && <DeleteContainerDialog entry={open.entry} onClose={close} />}
            {open?.what === "activate" && <ActivateDialog entry={open.entry} onClose={close} />}
            {found.subscriptions.length > 0 && <Deleted found={found} changed={inventory.reload} />}
            <Refused refused={found.refused} />
          </>
        )}
      </Show>
    </>
  );
}

function NoSubscription({ found }: { found: Inventory }) {
  return (
    <>
      <p class="notice">
        This principal has no role on the control plane, so HSMs and vaults cannot be listed. What it may do in one does not depend on
        that: open it by its name.
      </p>
      <OpenByName known={knownContainers(found)} />
    </>
  );
}

function Live({ found, open }: { found: Inventory; open: (what: Open) => void }) {
  const resources = found.entries.map(({ resource }) => resource).join();
  const forecasts = useLoad(() => fetchForecasts(found.entries), [resources]);
  const group = found.groups[0]?.name ?? found.subscriptions[0]?.name ?? "";
  const ask: Question = { plane: "control", scope: group, action: CONTROL.hsmWrite };
  const columns: Column<Entry>[] = [
    { head: "Name", title: true, cell: ({ kind, name }) => <a href={href(`${kind}s`, name)}>{name}</a> },
    { head: "Kind", cell: (entry) => `${kindTitle(entry.kind)}, ${settings(entry).sku}` },
    { head: "State", cell: (entry) => <State entry={entry} /> },
    { head: "Location", cell: (entry) => settings(entry).location },
    { head: "Resource group", cell: (entry) => segmentAfter(entry.resource ?? "", "resourceGroups") },
    { head: "Retention", cell: (entry) => `${settings(entry).retentionDays} days` },
    { head: "Purge protection", cell: (entry) => (settings(entry).purgeProtection ? "on" : "off") },
    { head: "Cost per day", numeric: true, cell: ({ resource }) => <CostPerDay forecast={forecasts.value?.get(resource ?? "")} /> },
    { head: "Created", cell: (entry) => <Instant at={settings(entry).created} /> },
    { head: "Actions", hidden: true, cell: (entry) => <RowActions entry={entry} open={open} /> },
  ];
  return (
    <>
      <div class="toolbar">
        <ActionButton kind="primary" ask={ask} onClick={() => open({ what: "create" })}>
          Create
        </ActionButton>
      </div>
      <Table
        caption="Managed HSMs and vaults"
        hideCaption
        columns={columns}
        rows={found.entries}
        rowKey={({ resource }) => resource ?? ""}
        empty="There are no managed HSMs and vaults that this principal may list."
      />
    </>
  );
}

function settings(entry: Entry) {
  const { sku = "", location, retentionDays = 0, purgeProtection, created } = entry.kind === "hsm" ? entry.hsm : entry.vault;
  return { sku, location, retentionDays, purgeProtection, created };
}

function State({ entry }: { entry: Entry }) {
  return entry.kind === "hsm" && !entry.hsm.activated ? <Badge tone="warn">not activated</Badge> : <Badge tone="good">active</Badge>;
}

function RowActions({ entry, open }: { entry: Entry; open: (what: Open) => void }) {
  const action = entry.kind === "hsm" ? CONTROL.hsmDelete : CONTROL.vaultDelete;
  return (
    <div class="row-actions">
      {entry.kind === "hsm" && !entry.hsm.activated && (
        <ActionButton label={`Activate ${entry.name}`} onClick={() => open({ what: "activate", entry })}>
          Activate
        </ActionButton>
      )}
      <ActionButton
        label={`Delete ${kindTitle(entry.kind)} ${entry.name}`}
        ask={{ plane: "control", scope: entry.resource ?? "", action }}
        onClick={() => open({ what: "delete", entry })}
      >
        Delete
      </ActionButton>
    </div>
  );
}

async function fetchForecasts(entries: readonly Entry[]): Promise<Map<string, Forecast>> {
  const found = await Promise.allSettled(entries.map(({ resource = "" }) => usage.getForecast({ name: resource })));
  const forecasts = found.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  return new Map(forecasts.map((forecast) => [forecast.name, forecast]));
}

function CostPerDay({ forecast }: { forecast: Forecast | undefined }) {
  if (forecast === undefined) {
    return <span class="absent">—</span>;
  }
  return <span title={forecast.why}>{formatMoney(forecast.costPerDay, forecast.currency)}</span>;
}

function Deleted({ found, changed }: { found: Inventory; changed: () => void }) {
  const scopes = found.subscriptions.map(({ name }) => name);
  const deleted = useLoad(() => fetchDeletedContainers(scopes), [scopes.join(), found.entries.map(({ name }) => name).join()]);
  return (
    <section>
      <h2>Deleted HSMs and vaults</h2>
      <Show of={deleted} what="deleted HSMs and vaults">
        {({ items, refused }) => (
          <>
            <DeletedTable
              caption="Deleted HSMs and vaults"
              items={items}
              empty="Nothing is deleted that this principal may list."
              changed={() => {
                deleted.reload();
                changed();
              }}
            />
            <Refused refused={refused} />
          </>
        )}
      </Show>
    </section>
  );
}


import { useState } from "preact/hooks";
import { formatMoney } from "../../model/decimal.js";
import { ActionButton } from "../../ui/button.js";
import { ConfirmDialog, Dialog } from "../../ui/dialog.js";
import { type Column, Table } from "../../ui/table.js";
import { Badge, Countdown, Instant } from "../../ui/text.js";
import { DeletedBy, useDeleters } from "./deleter.js";
import { type DeletedItem, isProtected } from "./item.js";

interface Props {
  caption: string;
  items: readonly DeletedItem[];
  empty: string;
  changed: () => void;
}

type Open = { what: "recover" | "purge"; item: DeletedItem } | undefined;

/** Deleted items with their countdowns, to be recovered or purged. */
export function DeletedTable({ caption, items, empty, changed }: Props) {
  const [open, setOpen] = useState<Open>(undefined);
  const close = (done: boolean) => {
    setOpen(undefined);
    if (done) {
      changed();
    }
  };
  const deleters = useDeleters(items);
  const inContainers = items.some(({ container }) => container !== "");
  const priced = items.some(({ forecast }) => forecast !== undefined);
  const columns: Column<DeletedItem>[] = [
    { head: "Name", title: true, cell: ({ name }) => name },
    { head: "Type", cell: ({ type }) => type },
    ...(inContainers ? [{ head: "In", cell: ({ container }: DeletedItem) => container || "—" }] : []),
    { head: "Purged in", cell: ({ purgeAt }) => <Countdown to={purgeAt} /> },
    { head: "Scheduled purge", cell: ({ purgeAt }) => <Instant at={purgeAt} /> },
    { head: "Deleted", cell: ({ deletedAt }) => <Instant at={deletedAt} /> },
    { head: "Deleted by", cell: (item) => <DeletedBy item={item} deleters={deleters} /> },
    ...(priced
      ? [
          { head: "Cost per day", numeric: true, cell: (item: DeletedItem) => <Cost item={item} of="costPerDay" /> },
          { head: "Cost until purge", numeric: true, cell: (item: DeletedItem) => <Cost item={item} of="cost" /> },
        ]
      : []),
    { head: "Actions", hidden: true, cell: (item) => <RowActions item={item} open={setOpen} /> },
  ];
  return (
    <>
      <Table caption={caption} hideCaption columns={columns} rows={items} rowKey={({ resource }) => resource} empty={empty} />
      {open?.what === "recover" && <RecoverDialog item={open.item} onClose={close} />}
      {open?.what === "purge" && <PurgeDialog item={open.item} onClose={close} />}
    </>
  );
}

function Cost({ item: { forecast }, of }: { item: DeletedItem; of: "cost" | "costPerDay" }) {
  if (forecast === undefined) {
    return <span class="absent">—</span>;
  }
  return <span title={forecast.why}>{formatMoney(forecast[of], forecast.currency)}</span>;
}

function RowActions({ item, open }: { item: DeletedItem; open: (what: Open) => void }) {
  const { type, name, managed } = item;
  if (managed) {
    return <span class="note">with its certificate</span>;
  }
  return (
    <div class="row-actions">
      <ActionButton label={`Recover ${type} ${name}`} ask={item.askRecover} onClick={() => open({ what: "recover", item })}>
        Recover
      </ActionButton>
      {isProtected(item) ? (
        <Badge tone="neutral">purge protection</Badge>
      ) : (
        <ActionButton kind="danger" label={`Purge ${type} ${name}`} ask={item.askPurge} onClick={() => open({ what: "purge", item })}>
          Purge
        </ActionButton>
      )}
    </div>
  );
}

interface DialogProps {
  item: DeletedItem;
  onClose: (done: boolean) => void;
}

function RecoverDialog({ item, onClose }: DialogProps) {
  const { type, name, recover, askRecover } = item;
  return (
    <Dialog
      title={`Recover ${type} ${name}?`}
      confirm="Recover"
      ask={askRecover}
      done={`${type} ${name} is recovered`}
      change={recover}
      onClose={onClose}
    >
      <p>
        {type === "Vault"
          ? "It is restored with its contents and access policies, but without the role assignments at the vault."
          : "It is restored as it was when it was deleted."}
      </p>
    </Dialog>
  );
}

function PurgeDialog({ item, onClose }: DialogProps) {
  const { type, name, purge, askPurge, forecast } = item;
  return (
    <ConfirmDialog
      title={`Purge ${type} ${name}?`}
      confirm="Purge permanently"
      danger
      typed={name}
      ask={askPurge}
      done={`${type} ${name} is purged`}
      change={purge}
      onClose={onClose}
    >
      <p>
        It is destroyed with {type === "Managed HSM" || type === "Vault" ? "everything in it" : "all its versions"}. This cannot be undone.
      </p>
      {forecast?.saving !== undefined && <p>Purging it now saves {formatMoney(forecast.saving, forecast.currency)}.</p>}
    </ConfirmDialog>
  );
}

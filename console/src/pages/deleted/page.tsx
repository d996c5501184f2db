import { DAY, toMillis } from "../../model/time.js";
import { route, setQuery } from "../../router.js";
import { useStore } from "../../model/store.js";
import { CheckField, SelectField, TextField } from "../../ui/fields.js";
import { Show } from "../../ui/failure.js";
import { useLoad, useServiceNow } from "../../ui/hooks.js";
import { Refused } from "../../ui/refused.js";
import { NothingKnown } from "../containers/open.js";
import { fetchDeleted } from "./all.js";
import type { DeletedItem } from "./item.js";
import { DeletedTable } from "./table.js";

const TYPES = ["Managed HSM", "Vault", "Key", "Secret", "Certificate"];

/** Everything that is deleted, by the time of its purge. */
export function DeletedPage() {
  const deleted = useLoad(fetchDeleted, []);
  return (
    <>
      <h1 tabIndex={-1}>Deleted items</h1>
      <p class="lead">
        Deleted items keep their names and can be recovered until the service purges them, at the scheduled purge date by its clock.
      </p>
      <Show of={deleted} what="deleted items">
        {({ items, refused, anywhere }) =>
          anywhere ? (
            <>
              <Filtered items={items} changed={deleted.reload} />
              <Refused refused={refused} />
            </>
          ) : (
            <NothingKnown then="and its deleted items are listed here." />
          )
        }
      </Show>
    </>
  );
}

function Filtered({ items, changed }: { items: readonly DeletedItem[]; changed: () => void }) {
  const { query } = useStore(route);
  const now = useServiceNow();
  const text = query.get("q") ?? "";
  const type = query.get("type") ?? "";
  const soon = query.get("soon") === "1";
  const isSoon = ({ purgeAt }: DeletedItem) => now !== undefined && (toMillis(purgeAt) ?? Infinity) - now <= 7 * DAY;
  const shown = items.filter(
    (item) =>
      (type === "" || item.type === type) &&
      (!soon || isSoon(item)) &&
      `${item.name} ${item.container}`.toLowerCase().includes(text.toLowerCase()),
  );
  return (
    <>
      <p class="summary">
        <b>{items.length}</b> deleted, <b>{items.filter(isSoon).length}</b> purged in the next 7 days.
      </p>
      <div class="filters" role="search">
        <TextField label="Search" type="search" value={text} onChange={(q) => setQuery({ q })} />
        <SelectField
          label="Type"
          value={type}
          onChange={(value) => setQuery({ type: value })}
          options={[{ value: "", label: "All types" }, ...TYPES]}
        />
        <CheckField label="Purged in the next 7 days" checked={soon} onChange={(on) => setQuery({ soon: on ? "1" : "" })} />
      </div>
      <DeletedTable
        caption="Deleted items"
        items={shown}
        empty={items.length === 0 ? "Nothing is deleted that this principal may list." : "No deleted item matches the filters."}
        changed={changed}
      />
    </>
  );
}

import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { useStore } from "../model/store.js";
import { route, setQuery } from "../router.js";
import { FailurePanel } from "./failure.js";
import { TextField } from "./fields.js";
import type { Pages } from "./pages.js";
import { type Column, Table } from "./table.js";

interface Props<T> {
  what: string;
  pages: Pages<T>;
  columns: readonly Column<T>[];
  rowKey: (row: T) => string;
  /** The text in which the search looks. */
  text: (row: T) => string;
  children?: ComponentChildren;
}

/** A list with search and paging. The search covers all pages, so it fetches them. */
export function Searchable<T>({ what, pages, columns, rowKey, text, children }: Props<T>) {
  const typed = useStore(route).query.get("q") ?? "";
  const search = typed.trim().toLowerCase();
  useEffect(() => {
    if (search !== "") {
      pages.all();
    }
  }, [search, pages.more, pages.busy]);
  const shown = search === "" ? pages.items : pages.items.filter((row) => text(row).toLowerCase().includes(search));
  return (
    <>
      <div class="toolbar">
        <div role="search">
          <TextField label={`Search ${what}`} type="search" value={typed} onChange={(q) => setQuery({ q })} />
        </div>
        {children}
      </div>
      {pages.failure !== undefined && <FailurePanel failure={pages.failure} retry={pages.reload} />}
      {pages.failure === undefined && pages.busy && pages.items.length === 0 && (
        <p class="loading" role="status">
          Loading {what}…
        </p>
      )}
      {(pages.items.length > 0 || (!pages.busy && pages.failure === undefined)) && (
        <Table
          caption={what}
          hideCaption
          columns={columns}
          rows={shown}
          rowKey={rowKey}
          empty={search === "" ? `There are no ${what}.` : `No ${what} match the search.`}
        />
      )}
      <p class="paging" role="status">
        {pages.items.length > 0 && `${shown.length} shown${pages.more ? ", there are more" : ""}`}
        {pages.more && search === "" && (
          <button type="button" disabled={pages.busy} onClick={pages.next}>
            Show more
          </button>
        )}
      </p>
    </>
  );
}

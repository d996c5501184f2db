import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

export interface Column<T> {
  readonly head: string;
  readonly cell: (row: T) => ComponentChildren;
  readonly numeric?: boolean;
  /** The cell that names the row. */
  readonly title?: boolean;
  /** Whether the heading is read but not shown, as that of buttons. */
  readonly hidden?: boolean;
}

interface Props<T> {
  caption: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  empty: string;
  /** Whether the caption is read but not shown, because a heading says it already. */
  hideCaption?: boolean;
  foot?: ComponentChildren;
}

/** A table that scrolls sideways on narrow screens, by keyboard, too. */
export function Table<T>({ caption, columns, rows, rowKey, empty, hideCaption = false, foot }: Props<T>) {
  const id = useId();
  if (rows.length === 0) {
    return <p class="empty">{empty}</p>;
  }
  return (
    <div class="scroll" tabIndex={0} role="region" aria-labelledby={id}>
      <table>
        <caption id={id} class={hideCaption ? "visually-hidden" : ""}>
          {caption}
        </caption>
        <thead>
          <tr>
            {columns.map(({ head, numeric, hidden }) => (
              <th key={head} scope="col" class={numeric === true ? "number" : ""}>
                {hidden === true ? <span class="visually-hidden">{head}</span> : head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map(({ head, cell, numeric, title }) =>
                title === true ? (
                  <th key={head} scope="row">
                    {cell(row)}
                  </th>
                ) : (
                  <td key={head} class={numeric === true ? "number" : ""}>
                    {cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
        {foot !== undefined && <tfoot>{foot}</tfoot>}
      </table>
    </div>
  );
}

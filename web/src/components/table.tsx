import { Component, type ComponentChildren } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Sort } from "../model/order";
import { useKeys } from "./keys";
import { offsetsOf, useWindow } from "./window";

/** A long table, of which only the visible rows are rendered. */

export interface Column<Id extends string> {
  id: Id;
  label: string;
  /** What the numbers mean. */
  hint?: string;
  isNumber?: boolean;
  /** True: the column cannot be sorted by. */
  isFixed?: boolean;
  /** True: the label is only for screen readers. */
  isUnlabelled?: boolean;
}

interface Props<Row, Id extends string> {
  label: string;
  /** The class that gives the columns their widths. */
  kind: string;
  columns: readonly Column<Id>[];
  rows: readonly Row[];
  /** Changes whenever something in the rows may have changed. */
  version: unknown;
  keyOf: (row: Row) => string;
  heightOf: (row: Row) => number;
  classOf: (row: Row) => string;
  hrefOf: (row: Row) => string;
  cellsOf: (row: Row) => ComponentChildren[];
  sort: Sort<Id>;
  onSort: (sort: Sort<Id>) => void;
  /** The key of the row that j and k start from. */
  selected: string | undefined;
  onSelect: (key: string) => void;
}

/** The height of what stays at the top of the page, in pixels. */
const COVERED = 84;

/** Returns the order after a click on a column: numbers begin with the largest. */
function nextSort<Id extends string>({ column, isDescending }: Sort<Id>, clicked: Column<Id>): Sort<Id> {
  if (column === clicked.id) return { column, isDescending: !isDescending };
  return { column: clicked.id, isDescending: clicked.isNumber === true };
}

function Head<Row, Id extends string>({ columns, sort, onSort }: Props<Row, Id>) {
  return (
    <div role="rowgroup" class="head">
      <div role="row" class="row" aria-rowindex={1}>
        {columns.map((column) => {
          const isSorted = sort.column === column.id;
          const order = isSorted ? (sort.isDescending ? "descending" : "ascending") : undefined;
          const aria = order === undefined ? {} : ({ "aria-sort": order } as const);
          return (
            <div key={column.id} role="columnheader" class={`cell ${column.id}`} {...aria}>
              {column.isFixed === true ? (
                <span title={column.hint}>{column.label}</span>
              ) : (
                <button type="button" title={column.hint} onClick={() => onSort(nextSort(sort, column))}>
                  <span class={column.isUnlabelled === true ? "unseen" : ""}>{column.label}</span>
                  {isSorted && (
                    <span class="arrow" aria-hidden="true">
                      {sort.isDescending ? "↓" : "↑"}
                    </span>
                  )}
                </button>
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** Follows a click on a row, unless it was on something that reacts itself or selected a text. */
function onRowClick(event: MouseEvent, href: string): void {
  const target = event.target as Element;
  if (target.closest("a, button, input") !== null || getSelection()?.isCollapsed === false) return;
  location.hash = href;
}

interface RowProps<Row, Id extends string> {
  table: Props<Row, Id>;
  row: Row;
  index: number;
  /** Its place below the first row, in pixels. */
  top: number;
  isSelected: boolean;
}

/** A row. While the page scrolls, rows that stay are not rendered again. */
class TableRow<Row, Id extends string> extends Component<RowProps<Row, Id>> {
  override shouldComponentUpdate(next: RowProps<Row, Id>): boolean {
    const { table, row, index, top, isSelected } = this.props;
    const isSame = next.row === row && next.index === index && next.top === top;
    return !isSame || next.isSelected !== isSelected || next.table.version !== table.version;
  }

  override render() {
    const { table, row, index, top, isSelected } = this.props;
    const { columns, keyOf, heightOf, classOf, hrefOf, cellsOf, onSelect } = table;
    const cells = cellsOf(row);
    return (
      <div
        role="row"
        class={`row ${classOf(row)}${isSelected ? " selected" : ""}`}
        aria-rowindex={index + 2}
        style={{ top: `${top}px`, height: `${heightOf(row)}px` }}
        onClick={(event) => onRowClick(event, hrefOf(row))}
        onFocusCapture={() => {
          if (!isSelected) onSelect(keyOf(row));
        }}
      >
        {columns.map(({ id, label }, column) => (
          <div key={id} role="cell" class={`cell ${id}`} data-label={label}>
            {cells[column]}
          </div>
        ))}
      </div>
    );
  }
}

export function Table<Row, Id extends string>(props: Props<Row, Id>) {
  const { label, kind, rows, keyOf, heightOf, hrefOf, selected, onSelect } = props;
  const offsets = useMemo(() => offsetsOf(rows.map(heightOf)), [rows, heightOf]);
  const { body, first, last, scrollTo } = useWindow(offsets);
  const wantsFocus = useRef(false);

  const move = (step: number): void => {
    const index = rows.findIndex((row) => keyOf(row) === selected);
    const next =
      index < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, index + step));
    const row = rows[next];
    if (row === undefined) return;
    wantsFocus.current = true;
    scrollTo(next, COVERED);
    onSelect(keyOf(row));
  };
  const open = (): void => {
    const row = rows.find((each) => keyOf(each) === selected);
    if (row !== undefined) location.hash = hrefOf(row);
  };
  useKeys({
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    o: open,
  });

  useEffect(() => {
    if (!wantsFocus.current) return;
    const link = body.current?.querySelector<HTMLElement>(".selected a");
    if (link === null || link === undefined) return;
    wantsFocus.current = false;
    link.focus({ preventScroll: true });
  });

  return (
    <div role="table" class={`table ${kind}`} aria-label={label} aria-rowcount={rows.length + 1}>
      <Head {...props} />
      <div role="rowgroup" class="body" ref={body} style={{ height: `${offsets[rows.length] ?? 0}px` }}>
        {rows.slice(first, last).map((row, position) => {
          const index = first + position;
          const key = keyOf(row);
          return (
            <TableRow
              key={key}
              table={props}
              row={row}
              index={index}
              top={offsets[index] ?? 0}
              isSelected={key === selected}
            />
          );
        })}
      </div>
    </div>
  );
}

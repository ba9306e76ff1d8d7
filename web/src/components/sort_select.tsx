import type { Sort } from "../model/order";
import type { Column } from "./table";

interface Props<Id extends string> {
  columns: readonly Column<Id>[];
  sort: Sort<Id>;
  onSort: (sort: Sort<Id>) => void;
}

/** The order of a table on a narrow screen, where it has no head. */
export function SortSelect<Id extends string>({ columns, sort, onSort }: Props<Id>) {
  const choose = (id: string): void => {
    const column = columns.find((each) => each.id === id);
    if (column !== undefined) onSort({ column: column.id, isDescending: column.isNumber === true });
  };
  return (
    <select
      class="sort-select"
      aria-label="Order"
      value={sort.column}
      onChange={(event) => choose(event.currentTarget.value)}
    >
      {columns
        .filter(({ isFixed }) => isFixed !== true)
        .map(({ id, label }) => (
          <option key={id} value={id}>
            {id === "state" ? "Worst first" : label}
          </option>
        ))}
    </select>
  );
}

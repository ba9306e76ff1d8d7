import type { Cell, RowNumber } from "./cells";
import { row_at } from "./region";

/** The upstream of a server: its name and the first cell of its row. */
export interface Home {
  name: string;
  row: Cell;
}

/** A server whose state is concluded, and named in events. */
export interface Subject {
  upstream: Home;
  server: string;
  id: number;
  incarnation: number;
  /** The first cell of its row. */
  row: Cell;
}

/** A server with the number of its row, such as the record of its line. */
interface Placed {
  server: string;
  id: number;
  incarnation: number;
  row: RowNumber;
}

/** Makes the subject for a server. Any phase. */
export function subject_of(
  upstream_name: string,
  upstream_row_number: RowNumber,
  { server, id, incarnation, row }: Placed,
): Subject {
  return {
    upstream: { name: upstream_name, row: row_at(upstream_row_number) },
    server,
    id,
    incarnation,
    row: row_at(row),
  };
}

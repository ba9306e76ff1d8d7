import type { Cell, RowNumber } from "./cells";
import { row_at } from "./region";

/** A server whose state is concluded, and named in events. */
export interface Subject {
  upstream_name: string;
  server: string;
  id: number;
  incarnation: number;
  /** The first cells of its row and of the row of its upstream. */
  row: Cell;
  upstream_row: Cell;
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
    upstream_name,
    server,
    id,
    incarnation,
    row: row_at(row),
    upstream_row: row_at(upstream_row_number),
  };
}

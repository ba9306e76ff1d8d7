import { ADAPTIVE, DEFAULT_BOUNDS, type AdaptiveLimitConfig } from "../../config/adaptive_limit";
import type { ServerConfig } from "../../config/server";
import { type Cell, Row, type RowNumber } from "./cells";
import { rare_cells_of } from "./rare_cells";
import { row_at, shared_memory } from "./region";

/** The limits of the requests in flight at servers, as they are now. */

/** The limit of a server about which nothing is known. */
export const FIRST_LIMIT = 20;

/** Returns the limit in a row within the bounds of an upstream; undefined: it has the default ones. */
export function adaptive_limit(row: Cell, bounds: AdaptiveLimitConfig = DEFAULT_BOUNDS): number {
  const found = shared_memory()[rare_cells_of(row) + Row.LIMIT];
  return math.max(bounds.min, math.min(found === 0 ? FIRST_LIMIT : found, bounds.max));
}

/** Returns the present limit of a server; 0: none. `row`: undefined for a host name, which has no row. */
export function limit_now(
  { max_conns }: Pick<ServerConfig, "max_conns">,
  row: RowNumber | undefined,
  bounds: AdaptiveLimitConfig | undefined,
): number {
  if (max_conns !== ADAPTIVE) return max_conns;
  const { min, max } = bounds ?? DEFAULT_BOUNDS;
  if (row === undefined) return math.max(min, math.min(FIRST_LIMIT, max));
  return adaptive_limit(row_at(row), bounds);
}

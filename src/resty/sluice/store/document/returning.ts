import { may_serve } from "../../config/server";
import { parse_time } from "../../config/time";
import type { Moment } from "../../lib/clock";
import { rest } from "../../lib/rest";
import type { RowNumber } from "../memory/cells";
import { start_row } from "../memory/rows";
import type { Difference } from "./difference";

/**
 * Starts `slow_start` for the servers that come back into service after `drain`, `down` or standby. If they
 * are all `size` servers, none starts slowly: no other could take the requests meanwhile. Under the lock,
 * before the change is published.
 */
export function start_returning({ added, removed }: Difference, size: number, now: Moment): void {
  const out_of_service = new LuaSet<number>();
  for (const record of removed) {
    if (!may_serve(record)) out_of_service.add(record.row);
  }
  const returning: RowNumber[] = [];
  for (const record of added) {
    rest();
    if (out_of_service.has(record.row) && parse_time(record.slow_start) !== 0 && may_serve(record))
      returning.push(record.row);
  }
  if (returning.length >= size) return;
  for (const row of returning) start_row(row, now);
}

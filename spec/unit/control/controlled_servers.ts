import {
  new_memo,
  type Controlled,
  type ControlledServer,
} from "../../../src/resty/sluice/control/controlled";
import { Row, type RowNumber } from "../../../src/resty/sluice/store/memory/cells";
import { row_at, shared_memory, stamp_of } from "../../../src/resty/sluice/store/memory/region";
import { server } from "./loaded_servers";

/** Controlled servers with rows in shared memory, which the spec must have created. */

export const NOW = 1e9;
const UPSTREAM_ROW = 1 as RowNumber;

/** Returns a healthy server in service that has just reported. `number` is its id, from 0. */
export function controlled_server(
  number: number,
  differences: Partial<ControlledServer> = {},
): ControlledServer {
  const row_number = (2 + number) as RowNumber;
  return {
    ...server(),
    upstream: { name: "app", row: row_at(UPSTREAM_ROW) },
    server: `10.0.0.${number + 1}:80`,
    id: number,
    incarnation: number + 1,
    row: row_at(row_number),
    row_number,
    node: undefined,
    backup: false,
    may_serve: true,
    stands_by: false,
    in_service: true,
    completed: 0,
    completed_at: 0,
    ...differences,
  };
}

/** Returns a standby server that is not in service. */
export function standby_server(number: number): ControlledServer {
  return controlled_server(number, { may_serve: false, stands_by: true, in_service: false });
}

/** Makes a server unhealthy. */
export function fail({ row }: ControlledServer): void {
  shared_memory()[row + Row.UNAVAILABLE_UNTIL] = math.huge;
}

/** Returns an upstream of these servers. */
export function upstream_of(servers: ControlledServer[]): Controlled {
  return {
    name: "app",
    row: row_at(UPSTREAM_ROW),
    incarnation: stamp_of(UPSTREAM_ROW),
    load: undefined,
    autoscale: undefined,
    scaling: undefined,
    call: undefined,
    servers,
    lines: new LuaTable(),
    memo: new_memo(),
  };
}

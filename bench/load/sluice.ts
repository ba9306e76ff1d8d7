import type { BalancingConfig } from "../../src/resty/sluice/config/balancing";
import { note_report } from "../../src/resty/sluice/health/reported";
import { choose } from "../../src/resty/sluice/live/choice";
import { use_health } from "../../src/resty/sluice/live/view/availability";
import { uncount_request, use_slot } from "../../src/resty/sluice/live/view/counters";
import { note_begin, note_end, use_sums } from "../../src/resty/sluice/live/view/in_flight_age";
import { Measure, type LiveServer, type LiveUpstream } from "../../src/resty/sluice/live/view/model";
import {
  count_failed_response,
  count_loaded_time,
  count_response_time,
  use_loads,
} from "../../src/resty/sluice/live/view/surroundings";
import { apply_document, new_upstream } from "../../src/resty/sluice/live/view/upstream";
import type { Document } from "../../src/resty/sluice/store/document/document";
import { Row, type RowNumber, Slot } from "../../src/resty/sluice/store/memory/cells";
import { create, row_at, shared_memory, slot_at } from "../../src/resty/sluice/store/memory/region";
import type { NewPolicy, Policy } from "./policy";

/** The methods of this build as policies: the code that chooses in a worker, with its shared memory. */

const SLOTS = 16;
const MOST_GATEWAYS = 20;

/** Maps memory for the gateways of a run. Each of them has an upstream of its own. */
function map_memory(servers: number): void {
  create(MOST_GATEWAYS * (servers + 1) + 1, SLOTS);
  const memory = shared_memory();
  use_slot(memory, 1);
  use_loads(memory);
  use_health(memory);
  use_sums(memory);
  memory[slot_at(1) + Slot.USED] = 1;
}

function make_upstream(config: BalancingConfig, servers: number, gateway: number): LiveUpstream {
  const first_row = 1 + gateway * (servers + 1);
  const memory = shared_memory();
  const document: Document = {
    ...config,
    revision: 1,
    next_id: servers,
    row: first_row as RowNumber,
    session_secret: "secret",
    leavers: [],
    lines: [],
  };
  memory[row_at(first_row as RowNumber) + Row.STAMP] = 1;
  const upstream = new_upstream("app", document);
  const lines: string[] = [];
  for (const id of $range(1, servers)) {
    const row = row_at((first_row + id) as RowNumber);
    lines.push(`${id} 1 ${first_row + id} {"server":"127.0.0.${id}:8080"}\n`);
    memory[row + Row.STAMP] = 1;
    memory[row + Row.EXPECTED_TIME] = -1;
    memory[row + Row.FAIL_TIMEOUT] = 10;
    memory[row + Row.HEADER_TIME] = -1;
    memory[row + Row.RESPONSE_TIME] = -1;
  }
  apply_document(upstream, document, table.concat(lines), 1);
  return upstream;
}

/** Makes the policy of a method. */
export function method(config: BalancingConfig): NewPolicy {
  return (servers, gateway, random): Policy => {
    if (gateway === 0) map_memory(servers);
    (math as unknown as { random: unknown }).random = random;
    const upstream = make_upstream(config, servers, gateway);
    const server_of = (index: number): LiveServer => upstream.servers.get(index + 1) as LiveServer;
    let key = gateway;
    /** The keys of the requests at each server, oldest first, as `note_begin` needs them. */
    const keys: number[][] = [];
    for (const _ of $range(1, servers)) keys.push([]);
    return {
      choose: (now) => {
        const [server] = choose(upstream, undefined, now);
        if (server === undefined) return undefined;
        if (upstream.keeps_begun) {
          key += MOST_GATEWAYS;
          note_begin(key, server, now);
          keys[server.id - 1].push(key);
        }
        return server.id - 1;
      },
      note: (index, { latency, is_failure, in_flight }, now) => {
        const server = server_of(index);
        if (!is_failure && upstream.measure === Measure.LOAD) {
          note_report(server, { in_flight: in_flight + 1 }, 60, now);
          count_loaded_time(server, latency * 1000);
        }
        uncount_request(server);
        if (upstream.keeps_begun) note_end(table.remove(keys[index], 1) as number, server);
        if (upstream.measure === Measure.NONE) return;
        if (is_failure) count_failed_response(server);
        else if (upstream.measure !== Measure.LOAD) count_response_time(server, latency * 1000);
      },
    };
  };
}

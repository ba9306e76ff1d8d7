import type { BalancingConfig } from "../../src/resty/sluice/config/balancing";
import { SERVER_DEFAULTS } from "../../src/resty/sluice/config/server";
import { use_slot } from "../../src/resty/sluice/live/view/counters";
import { use_sums } from "../../src/resty/sluice/live/view/in_flight_age";
import type { LiveServer, LiveUpstream } from "../../src/resty/sluice/live/view/model";
import { use_loads } from "../../src/resty/sluice/live/view/surroundings";
import { apply_document, new_upstream } from "../../src/resty/sluice/live/view/upstream";
import type { Document } from "../../src/resty/sluice/store/document/document";
import { format_line } from "../../src/resty/sluice/store/document/line";
import { note_limits } from "../../src/resty/sluice/store/limits";
import type { RowNumber } from "../../src/resty/sluice/store/memory/cells";
import { Slot } from "../../src/resty/sluice/store/memory/header_cells";
import { create, shared_memory, slot_at } from "../../src/resty/sluice/store/memory/region";
import { allocate_row, free_row, start_row } from "../../src/resty/sluice/store/memory/rows";
import { make_dict } from "../../spec/unit/support/dict";
import { nginx } from "../../spec/unit/support/nginx_stub";

/** An upstream of a simulated gateway: the objects of a worker, its shared memory, and its document. */

/** How an upstream is configured for a run. */
export interface SluiceConfig extends BalancingConfig {
  /** True: weights follow the utilization that servers report. */
  follows_load?: boolean;
  /** True: the servers' responses report their requests in flight. */
  reports?: boolean;
  /** How many probes are sent for each request, which ask a server for its requests in flight. */
  probes?: number;
  /** The `max_fails` of all servers. 0 compares methods alone. */
  max_fails?: number;
  slow_start?: string;
}

const SLOTS = 16;
/** The most gateways of a run. Each of them has an upstream of its own in the same memory. */
export const MOST_GATEWAYS = 20;

/** Maps memory for the gateways of a run. */
export function map_memory(servers: number): void {
  make_dict();
  nginx.log = [];
  // A server that comes back gets another row.
  create(MOST_GATEWAYS * (2 * servers + 1) + 1, SLOTS);
  const memory = shared_memory();
  use_slot(memory, 1);
  use_loads(memory);
  use_sums(memory);
  memory[slot_at(1) + Slot.USED] = 1;
}

function new_row(incarnation: number, id?: number): RowNumber {
  return allocate_row(incarnation, id) ?? error("no row is left", 0);
}

/** A server, as its line names it. */
interface Entry {
  incarnation: number;
  row: RowNumber;
  drain: boolean;
}

export interface SimulatedUpstream {
  live: LiveUpstream;
  /** Returns a server by its index. */
  server: (this: void, index: number) => LiveServer;
  /** Lets a server get no further requests. */
  drain: (this: void, index: number) => void;
  /** Deletes a server, and adds it again. */
  renew: (this: void, index: number, now: number) => void;
}

/** Makes the upstream of a gateway, in the memory that was mapped last. */
export function simulated_upstream(
  config: SluiceConfig,
  servers: number,
  gateway: number,
): SimulatedUpstream {
  const document: Document = {
    ...(config as BalancingConfig),
    revision: 1,
    next_id: servers,
    row: new_row(1),
    session_secret: "secret",
    leavers: [],
    lines: [],
  };
  const entries: Entry[] = [];
  for (const id of $range(1, servers)) entries.push({ incarnation: 1, row: new_row(1, id), drain: false });
  const live = new_upstream(`app${gateway}`, document);

  function apply(): void {
    const records = entries.map(({ incarnation, row, drain }, index) => ({
      ...SERVER_DEFAULTS,
      server: `127.0.0.${index + 1}:8080`,
      id: index + 1,
      incarnation,
      row,
      drain,
      max_fails: config.max_fails ?? 0,
      slow_start: config.slow_start ?? SERVER_DEFAULTS.slow_start,
    }));
    const lines = records.map((record) => format_line(record));
    document.revision += 1;
    document.lines = lines;
    note_limits(live.name, document, document, records);
    apply_document(live, document, `${table.concat(lines, "\n")}\n`, 1);
    live.follows_load = config.follows_load === true;
  }

  apply();
  return {
    live,
    server: (index) => live.servers.get(index + 1) as LiveServer,
    drain: (index) => {
      entries[index].drain = true;
      apply();
    },
    renew: (index, now) => {
      const incarnation = document.revision + 1;
      const row = new_row(incarnation, index + 1);
      free_row(entries[index].row);
      entries[index] = { incarnation, row, drain: false };
      start_row(row, now);
      apply();
    },
  };
}

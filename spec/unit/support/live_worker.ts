import "./nginx_stub";

import { SERVER_DEFAULTS, type ServerConfig } from "../../../src/resty/sluice/config/server";
import { read_settings } from "../../../src/resty/sluice/config/settings";
import { choose } from "../../../src/resty/sluice/live/choice";
import { use_retries } from "../../../src/resty/sluice/live/retries";
import { use_generation } from "../../../src/resty/sluice/live/unlogged";
import { use_slot } from "../../../src/resty/sluice/live/view/counters";
import { use_sums } from "../../../src/resty/sluice/live/view/in_flight_age";
import { type LiveServer, type LiveUpstream, Own } from "../../../src/resty/sluice/live/view/model";
import { use_loads } from "../../../src/resty/sluice/live/view/surroundings";
import { find_upstream, use_memory } from "../../../src/resty/sluice/live/view/view";
import { difference } from "../../../src/resty/sluice/store/document/difference";
import { format_document, type Document } from "../../../src/resty/sluice/store/document/document";
import { format_line } from "../../../src/resty/sluice/store/document/line";
import { note_limits } from "../../../src/resty/sluice/store/limits";
import { type RowNumber, UpstreamRow } from "../../../src/resty/sluice/store/memory/cells";
import { Header, Slot } from "../../../src/resty/sluice/store/memory/header_cells";
import { delete_text, put_text } from "../../../src/resty/sluice/store/memory/dict";
import {
  create,
  offset_of,
  row_at,
  shared_memory,
  slot_at,
} from "../../../src/resty/sluice/store/memory/region";
import { allocate_row, free_row } from "../../../src/resty/sluice/store/memory/rows";
import { make_dict } from "./dict";
import { begin_request } from "./nginx_stub";

/**
 * A worker that serves upstreams without nginx: the shared memory, the dict, and a store that only puts
 * documents and the limits of their servers.
 */

const ROWS = 64;
const OWN_SLOT = 1;
const OTHER_SLOT = 2;

/** Addresses of servers, and a time of the monotonic clock. */
export const A = "10.0.0.1:80";
export const B = "10.0.0.2:80";
export const C = "10.0.0.3:80";
export const NOW = 5000;

type Server = Partial<ServerConfig> & { server: string };

interface Place {
  id: number;
  incarnation: number;
  row: RowNumber;
}

let upstreams = 0;
let row: RowNumber | undefined;
let document: Document | undefined;
let places: Record<string, Place | undefined> = {};
let next_id = 0;

/** Starts a worker. Returns a new name for an upstream. */
export function start_worker(workers = 4): string {
  make_dict();
  create(ROWS, workers);
  const memory = shared_memory();
  use_slot(memory, workers === 0 ? 0 : OWN_SLOT);
  use_memory(memory);
  use_loads(memory);
  use_sums(memory);
  use_retries(memory);
  use_generation(memory);
  for (const slot of [OWN_SLOT, OTHER_SLOT]) memory[slot_at(slot) + Slot.USED] = 1;
  begin_request();
  upstreams += 1;
  row = undefined;
  document = undefined;
  places = {};
  next_id = 0;
  return `app${upstreams}`;
}

function place_of(address: string, revision: number): Place {
  const known = places[address];
  if (known !== undefined) return known;
  const id = next_id;
  next_id += 1;
  const server_row = allocate_row(revision, id) ?? error("no row is left", 0);
  return { id, incarnation: revision, row: server_row };
}

/** Puts the upstream. A server that keeps its address stays the same server. */
export function put(name: string, settings: Record<string, unknown>, servers: readonly Server[]): void {
  const memory = shared_memory();
  const revision = memory[Header.REVISION] + 1;
  row ??= allocate_row(revision) ?? error("no row is left", 0);
  const before = places;
  const after: Record<string, Place | undefined> = {};
  const lines: string[] = [];
  for (const server of servers) {
    const place = place_of(server.server, revision);
    after[server.server] = place;
    lines.push(format_line({ ...SERVER_DEFAULTS, ...server, ...place }));
  }
  places = after;
  for (const [address, place] of pairs(before)) {
    if (after[address] === undefined) free_row(place.row);
  }
  const [known, problem] = read_settings(settings);
  if (known === undefined) error(problem?.text ?? "", 2);
  const next = { ...known, revision, next_id, row, leavers: [], lines };
  note_limits(name, document, next, difference(document?.lines ?? [], lines).added);
  document = next;
  put_text(name, format_document(next));
  memory[Header.REVISION] = revision;
  memory[row_at(row) + UpstreamRow.REVISION] = revision;
}

/** Deletes the upstream. */
export function remove(name: string): void {
  const memory = shared_memory();
  delete_text(name);
  memory[Header.REVISION] = memory[Header.REVISION] + 1;
  if (row === undefined) return;
  memory[row_at(row) + UpstreamRow.REVISION] = memory[Header.REVISION];
  free_row(row);
  row = undefined;
  document = undefined;
}

/** Returns the upstream of this worker at a time of the monotonic clock. */
export function upstream_at(name: string, now: number): LiveUpstream {
  return find_upstream(name, now) ?? error(`there is no upstream ${name}`, 2);
}

/** Returns the server of an upstream with this address. */
export function server_of({ servers }: LiveUpstream, address: string): LiveServer {
  for (const [, server] of pairs(servers)) {
    if (server.server === address) return server;
  }
  return error(`there is no server ${address}`, 2);
}

/** Chooses servers for several requests, none of which ends. Returns the addresses. */
export function choose_several(name: string, requests: number): string[] {
  const chosen: string[] = [];
  for (const _ of $range(1, requests)) {
    const [server] = choose(upstream_at(name, NOW), undefined, NOW);
    chosen.push(server?.server ?? "none");
  }
  return chosen;
}

/** Counts requests of another worker at a server. */
export function send_from_other_worker(server: LiveServer, requests: number): void {
  const memory = shared_memory();
  for (const cells of [server[Own.ALL_ACTIVE], server.upstream[Own.ALL_ACTIVE]]) {
    memory[cells + offset_of(OTHER_SLOT)] = memory[cells + offset_of(OTHER_SLOT)] + requests;
  }
}

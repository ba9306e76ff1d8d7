import { Meter, type Figures, type Percentiles } from "../model/figures";
import { giveRanks } from "../model/order";
import type { ServerStatus, SparseCounts, UpstreamStatus } from "../model/types";
import { newPause } from "../api/pause";
import { Store } from "./store";
import { setGatewayTime } from "./time";

/** What is known of the upstream that is open. */

/** A server in the table. */
export class Server {
  readonly meter = new Meter();
  /** Its place among all servers in the order of their addresses. */
  rank = 0;

  constructor(public status: ServerStatus) {}

  get figures(): Figures {
    return this.meter.figures;
  }

  get percentiles(): Percentiles {
    return this.meter.percentiles;
  }
}

export interface Detail {
  name: string;
  /** Undefined: there is no answer yet. */
  status: UpstreamStatus | undefined;
  /** The ETag of the upstream in that answer. */
  etag: string | undefined;
  servers: ReadonlyMap<number, Server>;
  meter: Meter;
  /** The upstream does not exist. */
  isMissing: boolean;
}

function emptyDetail(name: string): Detail {
  return {
    name,
    status: undefined,
    etag: undefined,
    servers: new Map(),
    meter: new Meter(),
    isMissing: false,
  };
}

export const detail = new Store<Detail>(emptyDetail(""));

/** Forgets what is known if another upstream is opened. */
export function openDetail(name: string): void {
  if (detail.get().name !== name) detail.set(emptyDetail(name));
}

/** Notes that the upstream does not exist. */
export function noteMissing(name: string): void {
  const before = detail.get();
  if (before.name === name) detail.set({ ...before, isMissing: true });
}

/** Returns the histogram of a server; undefined: it has none. */
function timesOf(times: ServerStatus["response_time"]): SparseCounts | undefined {
  const { first, counts } = times ?? {};
  return first === undefined || counts === undefined ? undefined : { first, counts };
}

function isSame(one: ServerStatus, other: ServerStatus): boolean {
  return one.server === other.server && one.node === other.node;
}

/** Takes the new status of a server. */
function updated(
  entry: ServerStatus,
  before: ReadonlyMap<number, Server>,
  now: number,
  bounds: number[],
): Server {
  const known = before.get(entry.id);
  const server = known !== undefined && isSame(known.status, entry) ? known : new Server(entry);
  const { requests, responses, fails, response_time } = entry;
  server.status = entry;
  server.meter.add({ requests, responses, fails, times: timesOf(response_time) }, now, bounds);
  return server;
}

/** Takes an answer in slices, unless another upstream is opened meanwhile. */
export async function takeDetail(
  name: string,
  status: UpstreamStatus,
  etag: string | undefined,
): Promise<void> {
  const { now, time_bounds } = status;
  const before = detail.get().servers;
  const servers = new Map<number, Server>();
  const pause = newPause();
  let hasNew = status.servers.length !== before.size;
  for (const entry of status.servers) {
    if (detail.get().name !== name) return;
    const server = updated(entry, before, now, time_bounds);
    if (before.get(entry.id) !== server) hasNew = true;
    servers.set(entry.id, server);
    if (pause.isDue()) await pause.next();
  }
  const current = detail.get();
  if (current.name !== name) return;
  setGatewayTime(status.time);
  if (hasNew) giveRanks([...servers.values()], (server) => server.status.server);
  const { requests, responses, fails, times } = status;
  current.meter.add({ requests, responses, fails, times }, now, time_bounds);
  detail.set({ ...current, status, etag, servers, isMissing: false });
}

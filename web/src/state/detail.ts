import { Meter, type Figures } from "../model/figures";
import type { ServerStatus, UpstreamStatus } from "../model/types";
import { Store } from "./store";
import { setGatewayTime } from "./time";

/** What is known of the upstream that is open. */

export class Server {
  readonly meter = new Meter();

  constructor(public status: ServerStatus) {}

  get figures(): Figures {
    return this.meter.figures;
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

function isSame(one: ServerStatus, other: ServerStatus): boolean {
  return one.server === other.server && one.node === other.node;
}

/** Takes an answer, unless another upstream was opened meanwhile. */
export function takeDetail(name: string, status: UpstreamStatus, etag: string | undefined): void {
  const before = detail.get();
  if (before.name !== name) return;
  setGatewayTime(status.time);
  const { now, time_bounds } = status;
  const servers = new Map<number, Server>();
  for (const entry of status.servers) {
    const known = before.servers.get(entry.id);
    const server = known !== undefined && isSame(known.status, entry) ? known : new Server(entry);
    const first = entry.response_time?.first;
    const counts = entry.response_time?.counts;
    const times = first === undefined || counts === undefined ? undefined : { first, counts };
    server.status = entry;
    server.meter.add(
      { requests: entry.requests, responses: entry.responses, fails: entry.fails, times },
      now,
      time_bounds,
    );
    servers.set(entry.id, server);
  }
  const { requests, responses, fails, times } = status;
  before.meter.add({ requests, responses, fails, times }, now, time_bounds);
  detail.set({ ...before, status, etag, servers, isMissing: false });
}

import { C, cdef, type NumberPointer } from "ffi";

import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { list, shape, shaped } from "../../lib/json";
import { VERSION } from "../../lib/version";
import { process_status } from "../../live/status";
import { parent_pid } from "../../store/posix";
import { workers } from "../../store/slots";
import { ok, type Answered } from "../answer";
import { filter_object, wanted_fields } from "../fields";
import type { Route } from "../route";

/** What OpenResty knows of itself; and, honestly empty, what clients ask for and it does not know. */

/** The counters of ngx_http_stub_status_module, which its own page shows. */
interface StubStatus {
  ngx_stat_accepted: NumberPointer;
  ngx_stat_handled: NumberPointer;
  ngx_stat_requests: NumberPointer;
  ngx_stat_active: NumberPointer;
  ngx_stat_reading: NumberPointer;
  ngx_stat_writing: NumberPointer;
  ngx_stat_waiting: NumberPointer;
}

cdef(`
  extern volatile unsigned long *ngx_stat_accepted, *ngx_stat_handled, *ngx_stat_requests, *ngx_stat_active,
    *ngx_stat_reading, *ngx_stat_writing, *ngx_stat_waiting;
`);

const stub_status = C as StubStatus;
const [has_stub_status] = pcall(() => stub_status.ngx_stat_accepted);

/** A counter of nginx; 0 when nginx was built without ngx_http_stub_status_module. */
function stub(name: keyof StubStatus): number {
  return has_stub_status ? (tonumber(stub_status[name][0]) as number) : 0;
}

const NGINX = shape([
  "version",
  "build",
  "address",
  "generation",
  "load_timestamp",
  "timestamp",
  "pid",
  "ppid",
]);

function nginx_version(): string {
  const number = ngx.config.nginx_version;
  return string.format(
    "%d.%d.%d",
    math.floor(number / 1000000),
    math.floor(number / 1000) % 1000,
    number % 1000,
  );
}

function get_nginx(this: void): Answered {
  const { generation, loaded } = process_status();
  const nginx = {
    version: nginx_version(),
    build: `lua-resty-sluice-${VERSION}`,
    address: ngx.var.server_addr,
    generation,
    load_timestamp: iso8601(clock.wall_time_of(loaded)),
    timestamp: iso8601(clock.wall_time()),
    pid: ngx.worker.pid(),
    ppid: parent_pid(),
  };
  return ok(filter_object(shaped(nginx, NGINX), wanted_fields()));
}

function get_processes(this: void): Answered {
  return ok({ respawned: process_status().respawned });
}

function get_connections(this: void): Answered {
  const accepted = stub("ngx_stat_accepted");
  const idle = stub("ngx_stat_waiting");
  const connections = {
    accepted,
    dropped: accepted - stub("ngx_stat_handled"),
    active: math.max(0, stub("ngx_stat_active") - idle),
    idle,
  };
  return ok(filter_object(connections, wanted_fields()));
}

function get_requests(this: void): Answered {
  const requests = {
    total: stub("ngx_stat_requests"),
    current: stub("ngx_stat_reading") + stub("ngx_stat_writing"),
  };
  return ok(filter_object(requests, wanted_fields()));
}

function get_workers(this: void): Answered {
  return ok(list(workers()));
}

function names(...items: string[]): () => Answered {
  return () => ok(list(items));
}

function nothing(this: void): Answered {
  return ok({});
}

const NO_HANDSHAKES = { handshakes: 0, handshakes_failed: 0, session_reuses: 0 };

export const routes: Route[] = [
  {
    path: "",
    GET: names("nginx", "processes", "connections", "slabs", "http", "resolvers", "ssl", "workers"),
  },
  {
    path: "http",
    GET: names(
      "requests",
      "server_zones",
      "location_zones",
      "caches",
      "limit_conns",
      "limit_reqs",
      "upstreams",
    ),
  },
  { path: "nginx", GET: get_nginx },
  { path: "processes", GET: get_processes },
  { path: "connections", GET: get_connections },
  { path: "workers", GET: get_workers },
  { path: "http/requests", GET: get_requests },
  { path: "ssl", GET: () => ok(NO_HANDSHAKES) },
  { path: "slabs", GET: nothing },
  { path: "resolvers", GET: nothing },
  { path: "http/server_zones", GET: nothing },
  { path: "http/location_zones", GET: nothing },
  { path: "http/caches", GET: nothing },
  { path: "http/limit_conns", GET: nothing },
  { path: "http/limit_reqs", GET: nothing },
];

import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { list, shape, shaped } from "../../lib/json";
import { VERSION } from "../../lib/version";
import { parent_pid } from "../../store/memory/posix";
import { reset_respawned } from "../../store/memory/slots";
import { process_status } from "../../store/memory/statistics";
import { ok, type Answered } from "../answer";
import { filter_object, wanted_fields } from "../fields";
import type { Route } from "../route";

/** `/nginx`, `/processes`, `/license`, and empty answers at paths that clients of NGINX Plus ask for. */

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

/** The release of NGINX Plus in `build`, which clients read. From 33 on they ask for a license. */
const RELEASE = 32;

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
    build: `lua-resty-sluice-${VERSION}-r${RELEASE}`,
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

function names(...items: string[]): () => Answered {
  return () => ok(list(items));
}

function reset_processes(this: void): Answered {
  reset_respawned();
  return $multi({ status: 204 }, undefined);
}

/** Answers that this is no evaluation. Sluice needs no license. */
function get_license(this: void): Answered {
  return ok({ eval: false });
}

function nothing(this: void): Answered {
  return ok({});
}

/** Resets statistics that are not counted. */
function reset_nothing(this: void): Answered {
  return $multi({ status: 204 }, undefined);
}

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
  { path: "processes", GET: get_processes, DELETE: reset_processes },
  { path: "license", GET: get_license },
  { path: "ssl", GET: nothing, DELETE: reset_nothing },
  { path: "slabs", GET: nothing },
  { path: "resolvers", GET: nothing },
  { path: "http/server_zones", GET: nothing },
  { path: "http/location_zones", GET: nothing },
  { path: "http/caches", GET: nothing },
  { path: "http/limit_conns", GET: nothing },
  { path: "http/limit_reqs", GET: nothing },
];

import * as clock from "../../lib/clock";
import { iso8601 } from "../../lib/iso8601";
import { list, record } from "../../lib/json";
import { VERSION } from "../../lib/version";
import { Header } from "../../store/memory/header_cells";
import { parent_pid } from "../../store/memory/posix";
import { shared_memory } from "../../store/memory/region";
import { reset_respawned, respawned_workers } from "../../store/memory/workers";
import { ok, reply, type Answered } from "../answer";
import { filter_object, wanted_fields } from "../fields";
import type { Route } from "../route";

/** `/nginx`, `/processes`, `/license`, and empty answers at paths that clients of NGINX Plus ask for. */

const nginx_record = record("version build address generation load_timestamp timestamp pid ppid");

/** The release of NGINX Plus in `build`, which clients read. From 33 on they ask for a license. */
const RELEASE = 32;

function nginx_version(): string {
  const thousands = math.floor(ngx.config.nginx_version / 1000);
  const patch = ngx.config.nginx_version % 1000;
  return string.format("%d.%d.%d", math.floor(thousands / 1000), thousands % 1000, patch);
}

function get_nginx(this: void): Answered {
  const memory = shared_memory();
  const nginx = nginx_record({
    version: nginx_version(),
    build: `lua-resty-sluice-${VERSION}-r${RELEASE}`,
    address: ngx.var.server_addr,
    generation: memory[Header.GENERATION],
    load_timestamp: iso8601(clock.wall_time_of(memory[Header.LOADED])),
    timestamp: iso8601(clock.wall_time()),
    pid: ngx.worker.pid(),
    ppid: parent_pid(),
  });
  return ok(filter_object(nginx, wanted_fields()));
}

function get_processes(this: void): Answered {
  return ok({ respawned: respawned_workers() });
}

function reset_processes(this: void): Answered {
  reset_respawned();
  return reply(204);
}

/** Answers for a section that OpenResty does not have. */
const get_nothing = () => ok({});
const SECTIONS = ["nginx", "processes", "connections", "slabs", "http", "resolvers", "ssl", "workers"];
const HTTP_SECTIONS = [
  "requests",
  "server_zones",
  "location_zones",
  "caches",
  "limit_conns",
  "limit_reqs",
  "upstreams",
];

export const routes: Route[] = [
  { path: "", scope: "neutral", GET: () => ok(list(SECTIONS)) },
  { path: "http", scope: "neutral", GET: () => ok(list(HTTP_SECTIONS)) },
  { path: "nginx", scope: "neutral", GET: get_nginx },
  { path: "processes", scope: "neutral", GET: get_processes, DELETE: reset_processes },
  // This is no evaluation. Sluice needs no license.
  { path: "license", scope: "neutral", GET: () => ok({ eval: false }) },
  { path: "ssl", scope: "neutral", GET: get_nothing, DELETE: () => reply(204) },
  { path: "slabs", scope: "neutral", GET: get_nothing },
  { path: "resolvers", scope: "neutral", GET: get_nothing },
  { path: "http/server_zones", scope: "neutral", GET: get_nothing },
  { path: "http/location_zones", scope: "neutral", GET: get_nothing },
  { path: "http/caches", scope: "neutral", GET: get_nothing },
  { path: "http/limit_conns", scope: "neutral", GET: get_nothing },
  { path: "http/limit_reqs", scope: "neutral", GET: get_nothing },
];

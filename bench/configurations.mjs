import { join } from "node:path";
import { root } from "../scripts/command.mjs";
import { toLua } from "../spec/gateway/support/nginx_conf.mjs";

/** @typedef {import("./traffic.mjs").Secure} Secure */

/**
 * Everything that a configuration may contain.
 *
 * @typedef {object} Place
 * @property {string} folder of this server's own files
 * @property {number} port of the traffic
 * @property {number} apiPort port of the API, if there is one
 * @property {string} globalDirectives directives that the Lua module needs at the top of nginx.conf
 * @property {string[]} addresses the application servers
 * @property {number} keepalive number of idle connections to them that are kept
 * @property {boolean} reports whether each of their answers has a load report
 * @property {boolean} [isTuned] whether it has the optional directives of docs/reference/setup.md
 * @property {Secure} [secure] where clients can connect with TLS too
 */

const modules = join(root, "dist", "?.lua");

/** Keeps all connections open for the whole run, so that no turn includes the cost of opening them. */
const keepConnections = "keepalive_timeout 1h; keepalive_requests 1000000000;";

/** @param {string} folder */
function ownFolders(folder) {
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(" ");
}

const REPORT = "TEXT application_utilization=0.42,cpu_utilization=0.31,rps_fractional=1234.5,eps=0.2";

/**
 * Enough for a listening socket and the connections of several gateways to each of 2,000 application servers.
 */
const MOST_FILES = 20_000;

/**
 * Returns a configuration of nginx, by default with one worker.
 * @param {Pick<Place, "folder">} place
 * @param {string} globalDirectives
 * @param {string} http
 * @param {number} [workers]
 */
function nginx(place, globalDirectives, http, workers = 1) {
  return `${globalDirectives}
daemon off;
worker_processes ${workers};
worker_rlimit_nofile ${MOST_FILES};
pid ${place.folder}/nginx.pid;
error_log ${place.folder}/error.log warn;
events { worker_connections ${MOST_FILES}; }
http {
  access_log off;
  ${ownFolders(place.folder)}
  ${keepConnections}
${http}
}
`;
}

/** Returns the directives with which a server accepts TLS too. @param {Pick<Place, "secure">} place */
function alsoSecure({ secure }) {
  if (secure === undefined) return "";
  const { port, certificate, key } = secure;
  return ` listen 127.0.0.1:${port} ssl http2; ssl_certificate ${certificate}; ssl_certificate_key ${key};`;
}
/**
 * @typedef {object} Settings
 * @property {string} sharedDict
 * @property {number} [workers]
 * @property {string} [zone]
 * @property {string} [directives]
 * @property {string} [worker] Lua code that runs when a worker starts
 * @property {string} [location] of the API's server
 * @property {object} [options]
 */

/** @param {Place} place */
function traffic(place) {
  return `  server { listen 127.0.0.1:${place.port};${alsoSecure(place)} location / { ${proxying("app", place)} } }`;
}

/**
 * Returns the directives of a location that proxies to an upstream.
 * @param {string} upstream
 * @param {Pick<Place, "reports">} place
 */
function proxying(upstream, { reports }) {
  const hidden = reports ? " proxy_hide_header endpoint-load-metrics;" : "";
  return `proxy_pass http://${upstream}; proxy_http_version 1.1; proxy_set_header Connection "";${hidden}`;
}

/** Sluice reads these variables of each request. @param {Pick<Place, "isTuned">} place */
function tuning({ isTuned = false }) {
  const format = `log_format sluice "$upstream_status $upstream_bytes_sent $upstream_bytes_received";`;
  return isTuned ? `  ${poolSize({ isTuned })}\n  ${format}\n` : "";
}

/** @param {Pick<Place, "isTuned">} place */
function poolSize({ isTuned = false }) {
  return isTuned ? "request_pool_size 8k;" : "";
}

/** @param {Place} place */
function keepalive(place) {
  return `keepalive ${place.keepalive}; ${keepConnections}`;
}

/**
 * Returns the configuration of the application servers: one nginx that answers on every address.
 * @param {string} folder
 * @param {string[]} addresses
 * @param {boolean} reports
 * @param {string} [file] what they answer; absent: a few bytes
 */
export function backend(folder, addresses, reports, file) {
  const listen = addresses.map((address) => `listen ${address};`).join("\n    ");
  const report = reports ? `add_header endpoint-load-metrics "${REPORT}";` : "";
  const answer =
    file === undefined
      ? 'return 200 "ok";'
      : `root ${folder}; try_files /${file} =404; open_file_cache max=10 inactive=1h; sendfile on;`;
  return nginx({ folder }, "", `  server {\n    ${listen}\n    location / { ${report} ${answer} }\n  }`);
}

/**
 * Returns a configuration with nginx's own `upstream` in shared memory, as several workers need it.
 * @param {Place} place
 * @param {string} method the directive of the method, or an empty text
 */
export function native(place, method) {
  const servers = place.addresses.map((address) => `server ${address};`).join("\n    ");
  const upstream = `  upstream app {
    zone app 8m;
    ${method}
    ${servers}
    ${keepalive(place)}
  }`;
  return nginx(place, "", `${poolSize(place)}\n${upstream}\n${traffic(place)}`);
}

/**
 * Returns a configuration with the smallest possible balancer in Lua: it takes the next server.
 * @param {Place} place
 * @param {string} log the directive of the log phase, or an empty text
 */
export function onlyPicks(place, log) {
  const hosts = place.addresses.map((address) => `"${address.split(":")[0]}"`).join(", ");
  const http = `  init_by_lua_block {
    local balancer = require("ngx.balancer")
    local hosts, port, last = { ${hosts} }, ${place.addresses[0].split(":")[1]}, 0
    function pick()
      last = last % #hosts + 1
      balancer.set_current_peer(hosts[last], port)
    end
  }
  ${log}
  upstream app {
    server 0.0.0.1;
    balancer_by_lua_block { pick() }
    ${keepalive(place)}
  }
${traffic(place)}`;
  return nginx(place, place.globalDirectives, http);
}

/**
 * Returns a configuration with Sluice, with additional pages that show internal values.
 * @param {Place & Settings} place `zone`:
 *   that of the gateway; `directives`: more of them, for all requests; `options`: more of `setup`
 * @param {Record<string, object>} the option `upstreams` of `setup`
 */
export function sluice(place, upstreams) {
  const { workers = 1, zone, directives = "", worker = "", location = "", options = {} } = place;
  const module = place.isTuned === true ? "sluice" : 'require("resty.sluice")';
  const http = `${tuning(place)}  ${directives}
  lua_package_path "${modules};;";
  lua_shared_dict sluice ${place.sharedDict};
  init_by_lua_block {
    sluice = require("resty.sluice")
    sluice.setup(${toLua({ ...options, state_dir: `${place.folder}/state`, zone, upstreams })})
  }
  init_worker_by_lua_block { ${worker} require("resty.sluice").init_worker() }
  log_by_lua_block { ${module}.log() }
  upstream app {
    server 0.0.0.1;
    balancer_by_lua_block { ${module}.balance("app") }
    ${keepalive(place)}
  }
  upstream sluice_dynamic {
    server 0.0.0.1;
    balancer_by_lua_block { require("resty.sluice").balance() }
    ${keepalive(place)}
  }
  server {
    listen 127.0.0.1:${place.port}${workers > 1 ? " reuseport" : ""};${alsoSecure(place)}
    location / { ${proxying("app", place)} }
    location = /worker { return 200 $pid; }
    location /dynamic/ {
      set $sluice_upstream $arg_name;
      ${proxying("sluice_dynamic", place)}
    }
  }
  server {
    listen 127.0.0.1:${place.apiPort};
    location /api { content_by_lua_block { require("resty.sluice").api() } }
    location = /worker { return 200 $pid; }
    ${location}
    location /memory {
      content_by_lua_block {
        collectgarbage() collectgarbage()
        local dict = ngx.shared.sluice
        ngx.print('{"dict_used":', string.format("%d", dict:capacity() - dict:free_space()),
          ',"lua_heap":', string.format("%d", collectgarbage("count") * 1024), '}')
      }
    }
  }`;
  return nginx(place, place.globalDirectives, http, workers);
}

/** @param {Place} place */
export function haproxy(place) {
  const servers = place.addresses.map((address, index) => `  server s${index} ${address}`).join("\n");
  return `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 10s
  timeout client 1h
  timeout server 1h
frontend traffic
  bind 127.0.0.1:${place.port}
  default_backend app
backend app
  balance roundrobin
  http-reuse always
  default-server pool-purge-delay 1h
${servers}
`;
}

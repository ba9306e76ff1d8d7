/** Writes the nginx.conf of a test with its ports and folder. */
import { join } from "node:path";

/**
 * Differences from the default configuration of a test.
 *
 * @typedef {object} Options
 * @property {number} [workers]
 * @property {string} [dict] the size of the shared dict
 * @property {string | null} [stateDir] null: memory only
 * @property {Record<string, object>} [upstreams] the seeds
 * @property {string[]} [servers] the addresses of the seed "app", as a short form of `upstreams`
 * @property {object} [setup] more options of setup()
 * @property {string} [initLua] replaces the call of setup()
 * @property {string | null} [initWorker] replaces the code of init_worker_by_lua; null: there is no
 *   init_worker_by_lua
 * @property {string} [main] more configuration of the main level
 * @property {string} [beforeSetup] Lua that runs before the call of setup()
 * @property {string} [http] more configuration of the http level
 * @property {string} [traffic] more configuration of the traffic server
 * @property {string} [api] more configuration of the API's server
 * @property {string} [listen] more parameters of the traffic server's `listen`
 * @property {boolean} [apiUnix] the API also listens on `api.sock` in the folder
 */

/**
 * Writes a value as Lua source.
 * @param {unknown} value
 * @returns {string}
 */
export function toLua(value) {
  if (Array.isArray(value)) return `{ ${value.map(toLua).join(", ")} }`;
  if (value !== null && typeof value === "object") {
    const members = Object.entries(value).map(
      ([name, member]) => `[${JSON.stringify(name)}] = ${toLua(member)}`,
    );
    return `{ ${members.join(", ")} }`;
  }
  return value === undefined || value === null ? "nil" : JSON.stringify(value);
}

/**
 * @param {Options} options
 * @param {string} folder
 */
function setupCall(options, folder) {
  const seeds = { ...options.upstreams };
  if (options.servers !== undefined) seeds.app = { servers: options.servers.map((server) => ({ server })) };
  const stateDir = options.stateDir === undefined ? join(folder, "state") : options.stateDir;
  const table = { ...(stateDir === null ? {} : { state_dir: stateDir }), upstreams: seeds, ...options.setup };
  return `require("resty.sluice").setup(${toLua(table)})`;
}

const initWorker = 'init_worker_by_lua_block { require("resty.sluice").init_worker() }';

/** @param {string} folder */
function ownFolders(folder) {
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return kinds.map((kind) => `  ${kind}_temp_path ${folder}/${kind};`).join("\n");
}

/**
 * @param {Options} options
 * @param {{ folder: string, port: number, apiPort: number, workerCount: number, luaPackagePath: string }}
 *   gateway
 * @returns {string}
 */
export function nginxConf(options, { folder, port, apiPort, workerCount, luaPackagePath }) {
  return `
worker_processes ${workerCount};
pid ${folder}/nginx.pid;
error_log ${folder}/error.log notice;
${options.main ?? ""}
events { worker_connections 2048; }
http {
  access_log off;
${ownFolders(folder)}
  lua_package_path "${luaPackagePath}";
  lua_shared_dict sluice ${options.dict ?? "8m"};

  init_by_lua_block { ${options.beforeSetup ?? ""} ${options.initLua ?? setupCall(options, folder)} }
  ${options.initWorker === undefined ? initWorker : (options.initWorker ?? "")}
  log_by_lua_block { require("resty.sluice").log() }

  upstream app {
    server 0.0.0.1;
    balancer_by_lua_block { require("resty.sluice").balance("app") }
    keepalive 128;
  }
  upstream sluice_dynamic {
    server 0.0.0.1;
    balancer_by_lua_block { require("resty.sluice").balance() }
    keepalive 128;
  }

  proxy_http_version 1.1;
  proxy_set_header Connection "";
  keepalive_requests 1000000;
  add_header X-Worker $pid always;
  ${options.http ?? ""}

  server {
    listen 127.0.0.1:${port} ${options.listen ?? ""};
    location / { proxy_pass http://app; }
    location ~ ^/to/(?<sluice_upstream>[^/]*) { proxy_pass http://sluice_dynamic; }
    ${options.traffic ?? ""}
  }
  server {
    listen 127.0.0.1:${apiPort};
    ${options.apiUnix === true ? `listen unix:${folder}/api.sock;` : ""}
    location /api {
      client_max_body_size 8m;
      content_by_lua_block { require("resty.sluice").api() }
    }
    ${options.api ?? ""}
  }
}
`;
}

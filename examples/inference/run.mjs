/**
 * Starts four fakes and the gateway, compares its upstreams, and stops everything. It needs OpenResty, or
 * Debian's nginx with libnginx-mod-http-lua.
 * node run.mjs [--seconds <time for each>] [--json] [<upstream> ...]
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DEFAULTS, HEAD, line, measure } from "./traffic.mjs";

const PORT = 8080;
const API = 8081;
const SERVERS = ["9001", "9002", "9003", "9004"];
const UPSTREAMS = ["round_robin", "least_conn", "queue", "cache", "unlimited", "factor", "prefix"];
const MODULES = ["ndk_http_module", "ngx_http_lua_module"].map((name) => `/usr/lib/nginx/modules/${name}.so`);

const folder = fileURLToPath(new URL(".", import.meta.url));
const { values, positionals } = parseArgs({
  options: { seconds: { type: "string" }, json: { type: "boolean" } },
  allowPositionals: true,
});
const seconds = Number(values.seconds ?? DEFAULTS.seconds);

/** @type {import("node:child_process").ChildProcess[]} */
const children = [];

/** @param {string} program @param {string[]} parameters */
function start(program, parameters) {
  const child = spawn(program, parameters, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  children.push(child);
  child.on("exit", (status) => {
    if (!children.includes(child)) return;
    console.error(`${program} has ended (${status}); see .sluice/error.log`);
    stop(1);
  });
}

/** @param {number} status */
function stop(status) {
  for (const child of children.splice(0)) child.kill("SIGTERM");
  process.exitCode = status;
  // The connections of the measurement must not keep this process.
  setTimeout(() => process.exit(), 500).unref();
}
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.on(signal, () => stop(130));

/** Tells whether something listens at a port. @param {number} port @returns {Promise<boolean>} */
function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => resolve(false));
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

for (const port of [PORT, API, ...SERVERS.map(Number)]) {
  if (!(await answers(port))) continue;
  console.error(`port ${port} of 127.0.0.1 is in use`);
  process.exit(1);
}
// The upstreams are those of nginx.conf, not of an earlier run.
rmSync(`${folder}/.sluice`, { recursive: true, force: true });
mkdirSync(`${folder}/.sluice`);
for (const port of SERVERS) start(process.execPath, ["servers.mjs", port]);
const isOpenresty = spawnSync("openresty", ["-v"]).status === 0;
const modules = MODULES.filter((path) => existsSync(path)).map((path) => `load_module ${path};`);
const more = `daemon off; ${isOpenresty ? "" : modules.join(" ")}`;
start(isOpenresty ? "openresty" : "nginx", ["-p", ".", "-c", "nginx.conf", "-g", more]);

for (const port of [PORT, API, ...SERVERS.map(Number)]) while (!(await answers(port))) await sleep(50);
if (values.json !== true) console.log(HEAD);
for (const upstream of positionals.length > 0 ? positionals : UPSTREAMS) {
  const measured = await measure(PORT, upstream, { seconds });
  console.log(values.json === true ? JSON.stringify(measured) : line(measured));
}
stop(0);

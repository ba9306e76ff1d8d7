/**
 * Finds or installs the programs that the other scripts need. Each function is quick when nothing is missing,
 * and ends the script with one line when it cannot install something. Only Node's built-in modules may be
 * used, because this runs before `npm ci`.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { findProgram, root, run, runQuietly, stop } from "./command.mjs";
import { installPackages } from "./debian.mjs";
import { findServer } from "./server.mjs";

export { root } from "./command.mjs";

/** Installs the npm packages of package-lock.json. */
export function ensureNodeModules() {
  const lock = join(root, "package-lock.json");
  const installed = join(root, "node_modules", ".package-lock.json");
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  console.log("Installing npm packages");
  if (!run("npm", ["ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund"]))
    stop("npm ci failed");
}

/** @type {import("./server.mjs").Server | undefined} */
let server;

/** Returns the server that the parent script has found. @returns {typeof server} */
function serverOfParent() {
  const { SLUICE_SERVER: text } = process.env;
  return text === undefined ? undefined : JSON.parse(text);
}

/**
 * Returns the environment for scripts that need the same server. They then do not search for it, which takes
 * two starts of nginx.
 */
export const environmentWithServer = () => ({
  ...process.env,
  SLUICE_SERVER: JSON.stringify(ensureServer()),
});

/**
 * Returns a server with Lua and lua-cjson. Installs Debian's packages if there is none.
 * @returns {import("./server.mjs").Server}
 */
export function ensureServer() {
  server ??= serverOfParent() ?? findServer();
  if (server !== undefined) return server;
  const missing = "Sluice needs OpenResty, or nginx with lua-nginx-module and lua-cjson";
  installPackages(["nginx", "libnginx-mod-http-lua", "lua-cjson"], missing);
  server = findServer();
  return server ?? stop("Debian's nginx was installed, but it does not load lua-nginx-module with lua-cjson");
}

function hasFakeTime() {
  const folders = readdirSync("/usr/lib").filter((name) => name.endsWith("-linux-gnu"));
  return folders.some((name) => existsSync(join("/usr/lib", name, "faketime/libfaketime.so.1")));
}

/** Returns the path of LuaJIT, if there is one. OpenResty's own LuaJIT is not in PATH. */
export const findLuaJit = () =>
  findProgram("luajit") ?? findProgram("/usr/local/openresty/luajit/bin/luajit");

/**
 * Programs of the tests: whether each is there, and its Debian package. LuaJIT's package is `luajit2`
 * (OpenResty's branch, which Debian's lua-nginx-module uses too); it conflicts with the package `luajit`.
 * @type {Record<string, { package: string, isThere: () => boolean }>}
 */
const testTools = {
  luajit: { package: "luajit2", isThere: () => findProgram("luajit") !== undefined },
  cjson: { package: "lua-cjson", isThere: () => runQuietly("luajit", ["-lcjson.safe", "-e", ""]).ok },
  luacheck: { package: "lua-check", isThere: () => findProgram("luacheck") !== undefined },
  luarocks: { package: "luarocks", isThere: () => findProgram("luarocks") !== undefined },
  wrk: { package: "wrk", isThere: () => findProgram("wrk") !== undefined },
  etcd: { package: "etcd-server", isThere: () => findProgram("etcd") !== undefined },
  dnsmasq: { package: "dnsmasq-base", isThere: () => findProgram("dnsmasq") !== undefined },
  libfaketime: { package: "libfaketime", isThere: hasFakeTime },
  chromium: { package: "chromium", isThere: () => existsSync("/usr/bin/chromium") },
  jq: { package: "jq", isThere: () => findProgram("jq") !== undefined },
  etcdctl: { package: "etcd-client", isThere: () => findProgram("etcdctl") !== undefined },
  curl: { package: "curl", isThere: () => findProgram("curl") !== undefined },
  openssl: { package: "openssl", isThere: () => findProgram("openssl") !== undefined },
  "systemd-analyze": { package: "systemd", isThere: () => findProgram("systemd-analyze") !== undefined },
  prometheus: {
    package: "prometheus",
    isThere: () => findProgram("prometheus") !== undefined && findProgram("promtool") !== undefined,
  },
  "prometheus-nginx-exporter": {
    package: "prometheus-nginx-exporter",
    isThere: () => findProgram("prometheus-nginx-exporter") !== undefined,
  },
};

/** Programs that only the bench runs. @type {typeof testTools} */
const benchTools = {
  h2load: { package: "nghttp2-client", isThere: () => findProgram("h2load") !== undefined },
  valgrind: { package: "valgrind", isThere: () => findProgram("valgrind") !== undefined },
};

/**
 * Installs the programs that tests, checks and the bench run.
 * @param {string[]} [names] all programs of tests and checks if absent
 */
export function ensureTestTools(names = Object.keys(testTools)) {
  const tools = { ...testTools, ...benchTools };
  const missing = names.filter((name) => !tools[name].isThere());
  if (missing.length === 0) return;
  const packages = missing.map((name) => tools[name].package);
  installPackages(packages, `The tests need ${missing.join(", ")}`);
  const still = missing.filter((name) => !tools[name].isThere());
  if (still.length > 0)
    stop(`apt-get has installed ${packages.join(" ")}, but ${still.join(", ")} cannot be run`);
}

/** Finds a server that can run Sluice: OpenResty, or an nginx with lua-nginx-module. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram, runQuietly } from "./command.mjs";

/**
 * @typedef {object} Server
 * @property {string} binary the program to run
 * @property {string} globalDirectives value of `-g` that loads the Lua module; empty for OpenResty
 */

const programs = ["openresty", "/usr/local/openresty/bin/openresty", "nginx", "/usr/sbin/nginx"];

/** Folders of dynamic modules. NDK must be loaded first, because the Lua module needs it. */
const moduleFolders = ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/etc/nginx/modules"];
const moduleFiles = ["ndk_http_module.so", "ngx_http_lua_module.so"];

/** A configuration with the modules that Sluice needs. It writes nothing outside its own folder. */
const trial = `
pid nginx.pid;
events {}
http {
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  init_by_lua_block { require("resty.core") require("cjson.safe") require("ffi") }
}`;

/**
 * Returns the servers of this machine that accept the trial configuration. A binary is tried when the caller
 * asks for it.
 * @returns {Generator<Server, undefined>}
 */
export function* findServers() {
  const binaries = programs.map(findProgram).filter((path) => path !== undefined);
  const modules = moduleFolders
    .map((folder) => moduleFiles.map((file) => join(folder, file)))
    .filter((files) => files.every((file) => existsSync(file)))
    .map((files) => files.map((file) => `load_module ${file};`).join(" "));
  for (const binary of new Set(binaries)) {
    const globalDirectives = ["", ...modules].find((directives) => passesTrial(binary, directives));
    if (globalDirectives !== undefined) yield { binary, globalDirectives };
  }
  return undefined;
}

/**
 * Returns the first server of this machine that accepts the trial configuration.
 * @returns {Server | undefined}
 */
export function findServer() {
  return findServers().next().value;
}

/** Returns the name and version of a server, such as `openresty/1.27.1.1`. @param {Server} server */
export function versionOf({ binary }) {
  return /version: (\S+)/.exec(runQuietly(binary, ["-v"]).output)?.[1] ?? "unknown";
}

/**
 * @param {string} binary
 * @param {string} globalDirectives
 * @returns {boolean}
 */
function passesTrial(binary, globalDirectives) {
  const folder = mkdtempSync(join(tmpdir(), "sluice-trial-"));
  try {
    writeFileSync(join(folder, "nginx.conf"), trial);
    const args = ["-t", "-e", "stderr", "-p", folder, "-c", "nginx.conf", "-g", globalDirectives];
    return runQuietly(binary, args).ok;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

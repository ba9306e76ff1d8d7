/**
 * The specs of the gateway that also run in containers: those about what is below Sluice there. Specs about
 * what Sluice itself does with a request or a change have the same outcome in a container of the same nginx.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { root, stop } from "../command.mjs";

/** The names of the specs, by what can differ in a container. */
const names = {
  "processes and signals": [
    "code_cache",
    "crash",
    "missing_hooks",
    "reload",
    "start",
    "stopped_worker",
    "worker_slots",
    "workers",
  ],
  "files and their permissions": [
    "audit",
    "damage",
    "paths",
    "state_dir",
    "state_files",
    "tokens_file",
    "truncated_journal",
  ],
  "memory and locks": ["concurrent_writes", "out_of_memory", "unfinished_write", "zero_stale"],
  "nginx, its modules and its libraries": [
    "client_certificates",
    "dynamic_upstream",
    "hash_equality",
    "kept_connections",
    "methods",
    "retries",
    "subrequests",
    "unread_bodies",
  ],
  "addresses and connections": ["addresses", "event_stream", "probe_results"],
  "files of the image": ["dashboard_page"],
};

const paths = new Set(Object.values(names).flatMap((list) => list.map((name) => pathOf(name))));

/** @param {string} name */
function pathOf(name) {
  const path = join("spec/gateway", `${name}.test.mjs`);
  return existsSync(join(root, path)) ? path : stop(`scripts/docker/platform_specs.mjs: there is no ${path}`);
}

/** Returns whether a spec depends on what is below Sluice. @param {string} path */
export const isPlatformSpec = (path) => paths.has(path);

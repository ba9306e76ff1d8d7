/** The open connections and watches of a gateway to a registry, as the registry and the kernel see them. */
import { readFileSync, readdirSync, readlinkSync } from "node:fs";

const ESTABLISHED = "01";

/** The inodes of the sockets that a process has. @param {number} pid */
function socketsOf(pid) {
  /** @param {() => string[]} look at what may be gone by now */
  const seen = (look) => {
    try {
      return look();
    } catch {
      return [];
    }
  };
  const folder = `/proc/${pid}/fd`;
  const targets = seen(() => readdirSync(folder)).flatMap((fd) =>
    seen(() => [readlinkSync(`${folder}/${fd}`)]),
  );
  return targets.map((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? "");
}

/**
 * How many connections some processes have to a port of 127.0.0.1.
 * @param {number[]} pids
 * @param {number} port
 */
export function connectionsTo(pids, port) {
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const lines = readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1);
  const inodes = lines
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[2] === remote && fields[3] === ESTABLISHED)
    .map((fields) => fields[9]);
  const own = new Set(pids.flatMap(socketsOf));
  return inodes.filter((inode) => own.has(inode)).length;
}

/**
 * What etcd counts.
 * @param {import("./registries/etcd.mjs").Member} member
 * @returns {Promise<{ watchers: number, streams: number }>} how much is watched, and over how many streams
 */
export async function watchesOf(member) {
  const { text } = await member.api.get("/metrics");
  const figure = (/** @type {string} */ name) =>
    Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? NaN);
  return {
    watchers: figure("etcd_debugging_mvcc_watcher_total"),
    streams: figure("etcd_debugging_mvcc_watch_stream_total"),
  };
}

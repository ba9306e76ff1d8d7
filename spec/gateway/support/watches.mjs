/** Reads the open connections and watches of a gateway to a registry from the kernel and the registry. */
import { readFileSync, readdirSync, readlinkSync } from "node:fs";

const ESTABLISHED = "01";

/** Returns the inodes of a process's sockets. @param {number} pid */
function socketsOf(pid) {
  /** @param {() => string[]} look reads a file that may no longer exist */
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
 * Returns the number of connections of some processes to a port of 127.0.0.1.
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
 * Reads the numbers of watches from etcd's metrics.
 * @param {import("./registries/etcd.mjs").Member} member
 * @returns {Promise<{ watchers: number, streams: number }>} the number of watched ranges, and of their
 *   streams
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

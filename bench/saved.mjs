/** Saved states, written as files without a gateway: creating 100,000 upstreams one by one takes minutes. */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";

const REVISION = 1_000_000;

/** @param {number} sum */
function digits(sum) {
  return sum.toString(16).padStart(8, "0");
}

/** Returns a line of a file of the state. @param {object} object */
function seal(object) {
  const body = JSON.stringify(object).slice(0, -1);
  return `${body},"crc":"${digits(crc32(body))}"}\n`;
}

/**
 * Writes a state as an image and an empty journal.
 * @param {string} folder the `state_dir`
 * @param {number} count of the upstreams
 * @param {(index: number) => { name: string, servers: string[] }} upstream
 */
export function saveState(folder, count, upstream) {
  mkdirSync(folder, { mode: 0o700 });
  const file = openSync(join(folder, "image.0"), "w", 0o600);
  let lines = 0;
  let sum = 0;
  const write = (/** @type {object} */ object) => {
    const line = seal(object);
    sum = crc32(line.slice(-11, -3), sum);
    lines += 1;
    writeSync(file, line);
  };
  write({ sluice: "image", format: 2, revision: REVISION });
  for (let index = 0; index < count; index += 1) {
    const { name, servers } = upstream(index);
    const revision = index + 1;
    const put = servers.map((server, id) => ({ id, incarnation: revision, server }));
    write({ revision, upstream: name, method: "round_robin", next_id: servers.length, put, remove: [] });
  }
  writeSync(file, seal({ end: REVISION, until: REVISION, lines, sum: digits(sum) }));
  closeSync(file);
  writeFileSync(join(folder, "journal.0"), seal({ sluice: "journal", format: 2, follows: REVISION }), {
    mode: 0o600,
  });
}

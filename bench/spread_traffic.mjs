import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { newFolder } from "./gateway.mjs";
import { startClient } from "./processes.mjs";
import { upstreamName } from "./stored.mjs";

/**
 * Sends requests to the first upstreams in turn, until there have been at least `wanted`.
 * @param {number} port
 * @param {number} upstreams
 * @param {number} wanted
 */
export async function spreadTraffic(port, upstreams, wanted) {
  const script = join(newFolder(), "paths.lua");
  const path = `"/dynamic/?name=${upstreamName(0).slice(0, -1)}" .. turn % ${upstreams}`;
  writeFileSync(
    script,
    `local turn = 0\nfunction request() turn = turn + 1; return wrk.format("GET", ${path}) end\n`,
  );
  for (let sent = 0; sent < wanted;) {
    const child = startClient(["wrk", "-t1", "-c32", "-d1s", "-s", script, `http://127.0.0.1:${port}/`]);
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (data) => (text += data));
    await once(child, "close");
    const count = Number(/(\d+) requests in/.exec(text)?.[1]);
    if (!(count > 0) || /Non-2xx|Socket errors/.test(text)) throw new Error(`wrk failed: ${text}`);
    sent += count;
  }
}

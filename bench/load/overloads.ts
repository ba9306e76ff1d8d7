import "../../spec/unit/support/nginx_stub";

import { DEFAULT_BOUNDS } from "../../src/resty/sluice/config/adaptive_limit";
import { run_overload, type Setting } from "./overload";

/**
 * Simulates overloads without limits and with adaptive ones.
 *
 *   luajit overloads.lua
 *   luajit overloads.lua <servers> <slots> <seconds of work> <load> …     one gateway, with these servers
 *
 * Prints a line of tab-separated fields for each run: slots of a server, gateways, limit, load, goodput as a
 * part of the capacity, p50 and p99 in milliseconds, the parts of the requests that were refused and that
 * failed, and the mean limit of a server.
 */

const SETTING: Setting = {
  max_conns: "adaptive",
  bounds: DEFAULT_BOUNDS,
  servers: 10,
  slots: 8,
  work: 0.04,
  load: () => 1,
  gateways: 1,
  seed: 1,
  deadline: 1,
  warm_up: 40,
  measured: 40,
};
const LOADS = [0.8, 1, 1.2, 2, 4];
/** Slots of a server, and the number of gateways. */
const SITUATIONS = [
  [8, 1],
  [1, 1],
  [64, 1],
  [8, 4],
] as const;

function show(setting: Setting, load: number): void {
  const { goodput, p50, p99, refused, failed, limit } = run_overload({ ...setting, load: () => load });
  const { slots, gateways, max_conns } = setting;
  const kind = max_conns === 0 ? "none" : "adaptive";
  const texts = [goodput, p50, p99, refused, failed, limit].map((value) => string.format("%.4f", value));
  print(`${slots}\t${gateways}\t${kind}\t${load}\t${table.concat(texts, "\t")}`);
}

function show_all(): void {
  for (const load of LOADS) show({ ...SETTING, max_conns: 0 }, load);
  for (const [slots, gateways] of SITUATIONS) {
    const servers = slots > 8 ? 2 : SETTING.servers;
    for (const load of LOADS) show({ ...SETTING, slots, gateways, servers }, load);
  }
}

/** The parameters of the script. */
declare const arg: string[];

if (arg.length === 0) show_all();
else {
  const [servers, slots, work, ...loads] = arg.map((text) => tonumber(text) as number);
  for (const max_conns of [0, "adaptive"] as const)
    for (const load of loads) show({ ...SETTING, max_conns, servers, slots, work }, load);
}

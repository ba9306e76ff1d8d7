import "../../spec/unit/support/nginx_stub";

import { run_overload, type Setting } from "./overload";

const base: Setting = { max_conns: "adaptive", bounds: { min: 1, max: 1000, tolerance: 1.5 }, servers: 10, slots: 8, work: 0.04, load: () => 1, gateways: 1, seed: 1, deadline: 1, warm_up: 40, measured: 60 };
function show(name: string, setting: Partial<Setting>): void {
  const o = run_overload({ ...base, ...setting });
  print(string.format("%-34s goodput %.3f p50 %6.1f p99 %7.1f refused %.3f failed %.4f limit %.1f", name, o.goodput, o.p50, o.p99, o.refused, o.failed, o.limit));
}
for (const load of [0.5, 0.8, 0.95, 1, 1.2, 2, 4]) {
  show(`none ${load}`, { max_conns: 0, load: () => load });
  show(`adaptive ${load}`, { load: () => load });
}
for (const slots of [1, 2, 4, 32, 128])
  for (const load of [0.8, 1, 2]) show(`slots ${slots} load ${load}`, { slots, load: () => load, work: 0.04, servers: slots > 16 ? 2 : 10 });
for (const work of [0.002, 1]) for (const load of [0.8, 1, 2]) show(`work ${work} load ${load}`, { work, load: () => load, deadline: 25 * work, measured: work > 0.5 ? 600 : 20, warm_up: work > 0.5 ? 120 : 20, servers: work > 0.5 ? 10 : 2 });
for (const gateways of [2, 4]) for (const load of [0.8, 1, 2]) show(`gateways ${gateways} load ${load}`, { gateways, load: () => load });

import "../../spec/unit/support/nginx_stub";

import { Row, type RowNumber } from "../../src/resty/sluice/store/memory/cells";
import { row_at, shared_memory } from "../../src/resty/sluice/store/memory/region";
import { run_overload, type Setting } from "./overload";

const base: Setting = { max_conns: "adaptive", bounds: { min: 1, max: 1000, tolerance: 1.5 }, servers: 10, slots: 8, work: 0.04, load: () => 1, gateways: 1, seed: 1, deadline: 1, warm_up: 20, measured: 60 };
function trace(name: string, setting: Partial<Setting>): void {
  print(name);
  const o = run_overload({ ...base, ...setting, look: (limits, passed) => {
    const lights: string[] = [];
    for (const id of $range(1, 4)) lights.push(string.format("%.0f", shared_memory()[row_at((1 + id) as RowNumber) + Row.LIGHT_TIME]));
    if (passed % 3 === 0) print(`${passed}\t${table.concat(limits.slice(0, 4) as unknown as string[], " ")}\t${table.concat(lights, " ")}`);
  } });
  print(string.format("%-34s goodput %.3f p50 %6.1f p99 %7.1f refused %.3f failed %.4f limit %.1f", name, o.goodput, o.p50, o.p99, o.refused, o.failed, o.limit));
}
trace("slots 4", { slots: 4, load: () => 2 });
trace("slots 1", { slots: 1, load: () => 2 });
trace("gw 2", { slots: 8, load: () => 2, gateways: 2 });

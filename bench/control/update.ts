import type { LoadedServer } from "../../src/resty/sluice/control/load";
import { balance_loads } from "../../src/resty/sluice/control/weights";
import { new_server } from "./model";
import { LIMITS } from "./scenario";

/**
 * Measures one update of all weights: CPU time in microseconds, one line per update.
 *
 *   luajit update.lua <servers>
 */

const SAMPLES = 101;
const NOW = 1e9;

const [count_text] = [...$vararg] as [string];
const servers: LoadedServer[] = [];
for (const _ of $range(1, tonumber(count_text) as number)) servers.push(new_server(math.random(1, 10)));

/** Makes new reports of every server, in no order. */
function report(second: number): void {
  for (const server of servers) {
    server.reported_at = second;
    server.reporting_since = NOW - 2 * LIMITS.blackout;
    server.utilization = math.random();
    server.rps = 1000 * math.random();
    server.eps = math.random();
  }
}

for (const sample of $range(1, SAMPLES)) {
  report(NOW + sample);
  const started = os.clock();
  balance_loads(servers, LIMITS, NOW + sample);
  print((os.clock() - started) * 1e6);
}

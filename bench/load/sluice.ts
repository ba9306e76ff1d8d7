import { cast, type CData } from "ffi";

import { note_report } from "../../src/resty/sluice/health/reported";
import { choose } from "../../src/resty/sluice/live/choice";
import {
  has_changed,
  note_choice,
  note_failed_attempt,
  note_response,
  survey,
} from "../../src/resty/sluice/live/view/availability";
import { uncount_request } from "../../src/resty/sluice/live/view/counters";
import { note_begin, note_end } from "../../src/resty/sluice/live/view/in_flight_age";
import { Measure, type LiveServer, type LiveUpstream } from "../../src/resty/sluice/live/view/model";
import {
  count_failed_response,
  count_loaded_time,
  count_response_time,
} from "../../src/resty/sluice/live/view/surroundings";
import { weight_of_times } from "../../src/resty/sluice/live/view/times";
import { follow_loads, raise_weights } from "../../src/resty/sluice/live/view/weight";
import type { Answer, NewPolicy, Place, Policy } from "./policy";
import { map_memory, MOST_GATEWAYS, simulated_upstream, type SluiceConfig } from "./upstream";
import { update_factors } from "./weights";

/** The methods of this build as policies: the code that chooses in a worker, with its shared memory. */

/** Time from one update of the weights in `slow_start` to the next, as in a worker, in seconds. */
const RAMP_STEP = 0.1;
const UPDATE = 1;
const EXPIRY = 60;
const SERVER_ERROR = 500;
const GATEWAY_TIMEOUT = 504;

/** A request at a server: it ends at the incarnation that it was sent to. */
interface Sent {
  server: LiveServer;
  /** The address of no request, but different for each. */
  request: CData;
}

/** Notes the end of a request, in the order of `live/outcome.ts`. */
function end(
  upstream: LiveUpstream,
  { server, request }: Sent,
  answer: Answer,
  reports: boolean,
  now: number,
): void {
  const { latency, is_failure, is_late, in_flight } = answer;
  uncount_request(server);
  if (upstream.keeps_begun) note_end(request, server);
  if (is_late) note_failed_attempt(server, GATEWAY_TIMEOUT, now);
  else note_response(server, is_failure ? SERVER_ERROR : 200, now);
  if (reports && !is_failure) note_report(server, { in_flight }, EXPIRY, now);
  if (upstream.follows_load && !is_late) {
    const { utilization, rps } = answer.server;
    note_report(server, { utilization, rps, eps: is_failure ? rps : 0 }, EXPIRY, now);
  }
  if (upstream.measure === Measure.NONE) return;
  if (is_failure) count_failed_response(server);
  else if (upstream.measure === Measure.LOAD) {
    if (weight_of_times(server, now) > 0) count_loaded_time(server, latency * 1000);
  } else count_response_time(server, latency * 1000);
}

function run_timers(live: LiveUpstream, config: SluiceConfig, { every }: Place): void {
  if (config.slow_start !== undefined) every(RAMP_STEP, raise_weights);
  if (config.follows_load !== true) return;
  every(UPDATE, (now) => {
    update_factors(live, now);
    follow_loads(live);
  });
}

/** Makes the policy of a method. */
export function method(config: SluiceConfig): NewPolicy {
  return (place): Policy => {
    const { servers, gateway, random, probe } = place;
    if (gateway === 0) map_memory(servers);
    (math as unknown as { random: unknown }).random = random;
    const upstream = simulated_upstream(config, servers, gateway);
    const { live } = upstream;
    run_timers(live, config, place);
    const reports = config.reports === true;
    let key = gateway;
    let owed_probes = 0;
    /** The servers in the order of the probes of this round, and how many of them were asked. */
    const order: number[] = [];
    for (const index of $range(0, servers - 1)) order.push(index);
    let asked = 0;
    /** The requests at each server, oldest first. */
    const sent: Sent[][] = [];
    for (const _ of $range(1, servers)) sent.push([]);

    /** Asks the next server, in random order: each one once before any one is asked again. */
    function send_probes(): void {
      owed_probes += config.probes ?? 0;
      if (owed_probes < 1) return;
      owed_probes -= 1;
      const drawn = asked + math.floor(random() * (servers - asked));
      [order[asked], order[drawn]] = [order[drawn], order[asked]];
      probe(order[asked], (index, in_flight, _latency, now) => {
        note_report(upstream.server(index), { in_flight }, EXPIRY, now);
      });
      asked = (asked + 1) % servers;
    }

    return {
      choose: (now) => {
        if (has_changed(live)) survey(live, now);
        if (config.probes !== undefined) send_probes();
        const [server] = choose(live, undefined, now);
        if (server === undefined) return undefined;
        note_choice(server, now);
        key += MOST_GATEWAYS;
        const request = cast("void *", key);
        if (live.keeps_begun) note_begin(request, server, now);
        sent[server.id - 1].push({ server, request });
        return server.id - 1;
      },
      note: (index, answer, now) => {
        end(live, table.remove(sent[index], 1) as Sent, answer, reports, now);
      },
      leave: upstream.drain,
      enter: upstream.renew,
    };
  };
}

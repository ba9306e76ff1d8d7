import {
  FEWEST_REQUESTS,
  is_amount,
  is_idle,
  load_of,
  Reason,
  requests_of,
  scale_of_measured,
  trust_of,
  type LoadLimits,
  type LoadedServer,
} from "./load";

/**
 * What part of its configured weight a server gets, by the load that it reports. Pure: the caller has the clock.
 *
 *   load     = utilization + errors ÷ requests × error_penalty + what the utilization exceeds the target
 *   capacity = requests per second ÷ load ÷ configured weight
 *   factor   = capacity ÷ the median capacity, within [min_weight, CEILING]
 *
 * Without the last term that is Envoy's client side weighted round robin. It counts what is over the target twice, so that
 * an overloaded server is relieved a fifth sooner, and moves no balance, because all loads are equal where all utilizations
 * are. A capacity then falls at most as utilization rises, a gain of 1, of which a factor follows a part: no age of reports
 * makes that swing for good.
 *
 * By the median, the lower one of two, because no liar moves it beyond what honest servers say while more than half are
 * honest: by the mean, one that says it is idle would lower the factors of all. Envoy, too, gives servers that it knows
 * nothing of the median weight; here that is factor 1. No sum is kept, so that floor and ceiling hold and push nobody: a
 * liar gets `min_weight` to `CEILING` times what a typical server gets, and the others share the rest as without it. So
 * none of them gets more than if the liar were gone.
 */

const TEXTS = new LuaTable<Reason, string>();
TEXTS.set(Reason.CONFIGURED, "as configured: it has not reported");
TEXTS.set(Reason.BLACKOUT, "as configured: it has not reported for long enough");
TEXTS.set(Reason.EXPIRED, "as configured: its last report is too old");
TEXTS.set(Reason.NO_UTILIZATION, "as configured: its reports have no utilization");
TEXTS.set(Reason.NO_REQUESTS, "kept: it has had no requests");
TEXTS.set(Reason.IDLE, "as configured: it is idle");
TEXTS.set(Reason.LOAD, "by its load");
TEXTS.set(Reason.FLOOR, "by its load: the least");
TEXTS.set(Reason.CEILING, "by its load: the most");

/** Says it to people. */
export function reason_text(reason: Reason): string {
  return TEXTS.get(reason);
}

/** Much more than servers of one upstream differ that are configured with care. */
export const CEILING = 4;
/**
 * What a factor does not move for. A server's capacity and the median both have the noise of reports: ±2 % each is then
 * mostly within, and utilizations are this much apart at most.
 */
const TOLERANCE = 0.03;
/**
 * Seconds in which a factor goes most of its way. Many applications average utilization over some seconds, and requests over
 * fewer: the quotient then lags behind the factor that it moves. Half of the way in a second would swing by half with a mean
 * of 10 s (bench/control), and a weight that follows noise costs more than one that is a few seconds late.
 */
const WAY = 6;
/** Longer where requests were measured here: those of now are always divided by a utilization of before. */
const MEASURED_WAY = 10;
/** How much of the way a factor goes in an update at most; back to the configured weight, where nothing can swing, so much. */
const MOST_OF_WAY = 0.5;

/** What is known of a server; LOAD: enough. */
function standing_of(server: LoadedServer, limits: LoadLimits, now: number): Reason {
  const weight = server.configured_weight;
  const has_weight = is_amount(weight) && weight > 0;
  if (!has_weight || !(server.reported_at > 0)) return Reason.CONFIGURED;
  // Comparisons that are false of what is not a number; times to come are as wrong as those long gone.
  if (!(math.abs(now - server.reported_at) <= limits.expiry)) return Reason.EXPIRED;
  if (!is_amount(server.utilization)) return Reason.NO_UTILIZATION;
  if (!(now - server.reporting_since >= limits.blackout)) return Reason.BLACKOUT;
  return Reason.LOAD;
}

function between(least: number, value: number, most: number): number {
  return math.max(least, math.min(value, most));
}

function moved(factor: number, target: number, part: number, { max_step }: LoadLimits): number {
  const change = target / factor - 1;
  if (math.abs(change) <= TOLERANCE) return factor;
  return factor * between(1 / (1 + max_step), 1 + change * part, 1 + max_step);
}

/** Back to the configured weight, and all the way. */
function released(factor: number, limits: LoadLimits): number {
  return math.abs(factor - 1) <= TOLERANCE ? 1 : moved(factor, 1, MOST_OF_WAY, limits);
}

/** Moves the factor of a server whose load is known. */
function follow(server: LoadedServer, relative: number, limits: LoadLimits, scale: number): void {
  const trust = trust_of(load_of(server, limits, scale));
  if (trust < 0.5) server.reason = Reason.IDLE;
  else if (relative < limits.min_weight) server.reason = Reason.FLOOR;
  else if (relative > CEILING) server.reason = Reason.CEILING;
  const target = 1 + (math.min(relative, CEILING) - 1) * trust;
  const part = limits.update / (is_amount(server.rps) ? WAY : MEASURED_WAY);
  server.factor = moved(server.factor, target, math.min(part, MOST_OF_WAY), limits);
}

/**
 * Moves the factor of each server of an upstream and says why: one update. Any phase.
 *
 * @param servers all of them, of which it changes `factor` and `reason`
 * @param limits `min_weight` and `max_step` are above 0
 * @param now the monotonic clock
 * @returns the median capacity; undefined: no capacity is known
 */
export function balance_loads(
  servers: readonly LoadedServer[],
  limits: LoadLimits,
  now: number,
): number | undefined {
  const scale = scale_of_measured(servers);
  const ordered: number[] = [];
  for (const server of servers) {
    server.capacity = undefined;
    server.reason = standing_of(server, limits, now);
    if (server.reason === Reason.LOAD) {
      const load = load_of(server, limits, scale);
      const requests = requests_of(server, scale);
      if (requests < FEWEST_REQUESTS) server.reason = Reason.NO_REQUESTS;
      else if (is_idle(load)) server.reason = Reason.IDLE;
      else {
        server.capacity = requests / load / server.configured_weight;
        ordered.push(server.capacity);
      }
    }
  }
  table.sort(ordered);
  const median = ordered[math.ceil(ordered.length / 2) - 1] as number | undefined;
  for (const server of servers) {
    if (!is_amount(server.factor) || server.factor === 0) server.factor = 1;
    if (server.capacity !== undefined && median !== undefined)
      follow(server, server.capacity / median, limits, scale);
    else if (server.reason !== Reason.NO_REQUESTS) server.factor = released(server.factor, limits);
    server.factor = between(limits.min_weight, server.factor, CEILING);
  }
  return median;
}

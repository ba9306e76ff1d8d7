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
 * Computes the part of its configured weight that a server gets, from the load that it reports. Pure.
 *
 *   load     = utilization + errors ÷ requests × error_penalty + the utilization above the target
 *   capacity = requests per second ÷ load ÷ configured weight
 *   factor   = capacity ÷ the median capacity, within [min_weight, CEILING]
 *
 * Without the last term of the load this is Envoy's client side weighted round robin. The utilization above
 * the target counts twice, so that an overloaded server is relieved a fifth sooner. The balance does not
 * move, because all loads are equal when all utilizations are. A capacity falls at most in proportion to the
 * utilization, which is a gain of 1, and a factor follows only a part of it, so old reports cause no lasting
 * oscillation.
 *
 * The median (the lower one of two) limits the influence of wrong reports: while more than half of the
 * servers report correctly, the others cannot move it beyond the range of correct values. Servers without
 * reports have factor 1. The sum of the factors is not kept constant, so that the limits of one server do not
 * affect others: a server with wrong reports gets `min_weight` to `CEILING` times the share of a typical
 * server, and no other server gets more requests than without it.
 */

const TEXTS = new LuaTable<Reason, string>();
TEXTS.set(Reason.CONFIGURED, "as configured: the server has not reported");
TEXTS.set(Reason.BLACKOUT, "as configured: the server has not reported for long enough");
TEXTS.set(Reason.EXPIRED, "as configured: the last report is too old");
TEXTS.set(Reason.NO_UTILIZATION, "as configured: the reports have no utilization");
TEXTS.set(Reason.NO_REQUESTS, "kept: the server has had no requests");
TEXTS.set(Reason.IDLE, "as configured: the server is idle");
TEXTS.set(Reason.LOAD, "by its load");
TEXTS.set(Reason.FLOOR, "by its load: at the lower limit");
TEXTS.set(Reason.CEILING, "by its load: at the upper limit");

/** Returns the text of a reason, which the API shows. Any phase. */
export function reason_text(reason: Reason): string {
  return TEXTS.get(reason);
}

/** The largest factor. Servers of one upstream with careful weights differ much less. */
export const CEILING = 4;
/**
 * Changes up to this size do not move a factor: reports of a capacity and the median have ±2 % noise each.
 */
const TOLERANCE = 0.03;
/**
 * Time in which a factor moves most of its way, in seconds. Applications average the utilization over longer
 * than the requests, so that the quotient lags behind: half of the way in a second would oscillate by a half
 * with an average of 10 s (bench/control). A weight that follows noise costs more than one that is a few
 * seconds late.
 */
const WAY = 6;
/** `WAY` for measured requests. It is longer, because they are divided by an earlier utilization. */
const MEASURED_WAY = 10;
/** The largest part of its way that a factor moves in one update, and that it moves back to 1. */
const MOST_OF_WAY = 0.5;

/** Returns why the load of a server cannot be used; LOAD: it can. */
function standing_of(server: LoadedServer, limits: LoadLimits, now: number): Reason {
  const weight = server.configured_weight;
  const has_weight = is_amount(weight) && weight > 0;
  if (!has_weight || !(server.reported_at > 0)) return Reason.CONFIGURED;
  // These comparisons are false for NaN. A time in the future is as wrong as one long ago.
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

/** Moves a factor back to 1, and sets it to 1 when it is close. */
function released(factor: number, limits: LoadLimits): number {
  return math.abs(factor - 1) <= TOLERANCE ? 1 : moved(factor, 1, MOST_OF_WAY, limits);
}

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
 * Updates the factor and the reason of each server of an upstream once. Any phase.
 *
 * @param limits `min_weight` and `max_step` are above 0
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

import { new_members } from "./members";
import type { NewPolicy, Policy } from "./policy";

/**
 * The rule of Prequal (Wydrowski, Kleinberg, Rumble, Archer, "Load is not what you should balance", NSDI
 * 2024) with asynchronous probes: a gateway keeps the last reports of servers in a pool. A report is hot if
 * its requests in flight exceed a quantile of those that were reported lately. Of the reports that are not
 * hot, the one with the least latency is used; if all are hot, the one with the fewest requests in flight.
 */

/** The parameters that differ between the paper and prequal-rs. */
export interface PrequalConfig {
  /** The probes that are sent for each request. */
  probes: number;
  /** The reports that are removed for each request, the oldest and the worst in turn. */
  removals: number;
  hot_quantile: number;
  /** True: responses carry reports too. */
  uses_responses: boolean;
}

interface Report {
  index: number;
  in_flight: number;
  latency: number;
  at: number;
  /** How often it may still be used. */
  uses: number;
}

/** The most reports in the pool, their longest age in seconds, and how often each may be used at most. */
const POOL = 16;
const LONGEST_AGE = 1;
const MOST_USES = 16;
/** The delta of the paper, by which more reports are used than are removed. */
const DELTA = 1;
/** With fewer reports, servers are drawn. */
const FEWEST_REPORTS = 2;
/** The number of reports over which the quantile is taken. */
const HISTORY = 64;
/** The latency that a failure counts as, in seconds: a server that fails at once must not look fast. */
const FAILURE = 5;

/** Returns how often a report may be used. */
function budget(servers: number, { probes, removals }: PrequalConfig): number {
  const surplus = (1 - math.min(POOL, servers) / servers) * probes - removals;
  return surplus <= 0 ? MOST_USES : math.min(MOST_USES, math.max(1, (1 + DELTA) / surplus));
}

/** Follows a quantile of the last numbers. */
function new_quantile(share: number) {
  const recent: number[] = [];
  const counts = new LuaTable<number, number>();
  let most = 0;
  return {
    add: (value: number): void => {
      recent.push(value);
      counts.set(value, ((counts.get(value) as number | undefined) ?? 0) + 1);
      most = math.max(most, value);
      if (recent.length <= HISTORY) return;
      const old = table.remove(recent, 1) as number;
      counts.set(old, counts.get(old) - 1);
    },
    get: (): number => {
      let below = 0;
      const wanted = math.floor((recent.length - 1) * share) + 1;
      for (const value of $range(0, most)) {
        below += (counts.get(value) as number | undefined) ?? 0;
        if (below >= wanted) return value;
      }
      return most;
    },
  };
}

export function prequal(config: PrequalConfig): NewPolicy {
  return ({ servers, random, probe }): Policy => {
    const members = new_members(servers, random);
    const pool: Report[] = [];
    const quantile = new_quantile(config.hot_quantile);
    const uses = budget(servers, config);
    let owed_probes = 0;
    let owed_removals = 0;
    let removes_oldest = true;

    function forget(index: number): void {
      for (const place of $range(pool.length - 1, 0, -1))
        if (pool[place].index === index) table.remove(pool, place + 1);
    }

    function keep(this: void, index: number, in_flight: number, latency: number, now: number): void {
      quantile.add(in_flight);
      if (!members.has(index)) return;
      forget(index);
      if (pool.length === POOL) table.remove(pool, 1);
      pool.push({ index, in_flight, latency, at: now, uses });
    }

    /** Tells whether one report is better than another. */
    function is_better(one: Report, other: Report, hot_from: number): boolean {
      const is_hot = one.in_flight > hot_from;
      if (is_hot !== other.in_flight > hot_from) return !is_hot;
      return is_hot ? one.in_flight < other.in_flight : one.latency < other.latency;
    }

    /** Returns the place of the best or the worst report. */
    function extreme(wants_best: boolean): number {
      const hot_from = quantile.get();
      let found = 0;
      for (const place of $range(1, pool.length - 1))
        if (is_better(pool[place], pool[found], hot_from) === wants_best) found = place;
      return found;
    }

    function drop_old_ones(now: number): void {
      while (pool.length > 0 && now - pool[0].at > LONGEST_AGE) table.remove(pool, 1);
      owed_removals += config.removals;
      while (owed_removals >= 1) {
        owed_removals -= 1;
        if (pool.length > FEWEST_REPORTS) table.remove(pool, removes_oldest ? 1 : extreme(false) + 1);
        removes_oldest = !removes_oldest;
      }
    }

    function send_probes(): void {
      owed_probes += config.probes;
      while (owed_probes >= 1) {
        owed_probes -= 1;
        probe(members.draw(), keep);
      }
    }

    return {
      choose: (now) => {
        send_probes();
        drop_old_ones(now);
        if (pool.length < FEWEST_REPORTS) return members.draw();
        const place = extreme(true);
        const report = pool[place];
        report.in_flight += 1;
        report.uses -= 1;
        if (report.uses < 1) table.remove(pool, place + 1);
        return report.index;
      },
      note: (index, { is_failure, in_flight, latency }, now) => {
        if (is_failure) keep(index, in_flight, FAILURE, now);
        else if (config.uses_responses) keep(index, in_flight, latency, now);
      },
      leave: (index) => {
        members.leave(index);
        forget(index);
      },
      enter: members.enter,
    };
  };
}

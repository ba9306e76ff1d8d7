import { total_weight, type SimulatedServer } from "./model";

/** The record of a run, and measures of it. */

/** Values by second, then by server. */
export interface Run {
  /** The requests of a server, as a share of its capacity. */
  loads: number[][];
  factors: number[][];
  servers: readonly SimulatedServer[];
}

export function note(run: Run, requests: number): void {
  const total = total_weight(run.servers);
  const loads: number[] = [];
  const factors: number[] = [];
  for (const server of run.servers) {
    loads.push((requests * server.configured_weight * server.factor) / total / server.most_rps);
    factors.push(server.factor);
  }
  run.loads.push(loads);
  run.factors.push(factors);
}

/** Returns the largest deviation of an honest server's load from their mean, in percent of the mean. */
function apart_at(run: Run, second: number): number {
  let [sum, count, least, most] = [0, 0, math.huge, 0];
  for (const [index, server] of ipairs(run.servers)) {
    if (server.lie === undefined) {
      const load = run.loads[second][index - 1];
      sum += load;
      count += 1;
      least = math.min(least, load);
      most = math.max(most, load);
    }
  }
  const mean = sum / count;
  return (math.max(most - mean, mean - least) / mean) * 100;
}

/** Returns the largest result of `apart_at` from a second to the end, in percent. */
export function apart(run: Run, from: number): number {
  let worst = 0;
  for (const second of $range(from, run.loads.length - 1)) worst = math.max(worst, apart_at(run, second));
  return worst;
}

/** Returns the seconds after `from` until all loads are within 5 % of their mean and stay there. */
export function settling(run: Run, from: number, to = run.loads.length - 1): number {
  for (const back of $range(to, from, -1)) if (apart_at(run, back) > 5) return back + 1 - from;
  return 0;
}

/**
 * Returns the largest movement of an honest server's factor, from peak to peak in percent of its lowest
 * value.
 */
export function motion(run: Run, from: number, to = run.loads.length - 1): number {
  let worst = 0;
  for (const [index, server] of ipairs(run.servers)) {
    if (server.lie === undefined) {
      let [least, most] = [math.huge, 0];
      for (const second of $range(from, to)) {
        least = math.min(least, run.factors[second][index - 1]);
        most = math.max(most, run.factors[second][index - 1]);
      }
      worst = math.max(worst, (most / least - 1) * 100);
    }
  }
  return worst;
}

/** Returns the lowest and the highest load of an honest server, in percent. */
export function extremes(run: Run, from: number): LuaMultiReturn<[least: number, most: number]> {
  let [least, most] = [math.huge, 0];
  for (const second of $range(from, run.loads.length - 1)) {
    for (const [index, server] of ipairs(run.servers)) {
      if (server.lie === undefined) {
        least = math.min(least, run.loads[second][index - 1]);
        most = math.max(most, run.loads[second][index - 1]);
      }
    }
  }
  return $multi(least * 100, most * 100);
}

/** Returns the seconds after `from` until all factors are 1 and stay there. */
export function return_time(run: Run, from: number): number {
  for (const back of $range(run.factors.length - 1, from, -1)) {
    for (const factor of run.factors[back]) if (factor !== 1) return back + 1 - from;
  }
  return 0;
}

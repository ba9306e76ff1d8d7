import { total_weight, type SimulatedServer } from "./model";

/** What is noted of a run, and what can be measured in it. */

/** By second, then by server. */
export interface Run {
  /** Requests that the server gets, in times what it can serve. */
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

/** How far the honest servers' loads are from their mean at most, in percent of it. */
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

/** The same, the worst of the seconds from one to the last. */
export function apart(run: Run, from: number): number {
  let worst = 0;
  for (const second of $range(from, run.loads.length - 1)) worst = math.max(worst, apart_at(run, second));
  return worst;
}

/** Seconds since one until loads are no more than 5 % from their mean, and stay so. */
export function settling(run: Run, from: number, to = run.loads.length - 1): number {
  for (const back of $range(to, from, -1)) if (apart_at(run, back) > 5) return back + 1 - from;
  return 0;
}

/** How much the factors of honest servers move, from peak to peak in percent of the lowest: the one that moves most. */
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

/** The lowest and the highest load of the honest, in percent. */
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

/** Seconds since one until all factors are 1, and stay so. */
export function return_time(run: Run, from: number): number {
  for (const back of $range(run.factors.length - 1, from, -1)) {
    for (const factor of run.factors[back]) if (factor !== 1) return back + 1 - from;
  }
  return 0;
}

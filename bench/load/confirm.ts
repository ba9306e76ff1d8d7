import "../../spec/unit/support/nginx_stub";

import { NEIGHBOURS } from "./fleet";
import { POLICIES } from "./policies";
import type { NewPolicy } from "./policy";
import { exponential, new_random } from "./random";
import { run, type Setting, type World } from "./run";
import { new_server, type ModelServer } from "./server";
import { START, type Timeline } from "./timeline";

/**
 * The small setting that real processes repeat, with the same requests and the same noise.
 *
 *   luajit confirm.lua plan 0.9 <warm-up> <measured>
 *   luajit confirm.lua run 0.9 <warm-up> <measured> least_load
 *
 * `plan` prints what happens, with times in seconds from the start: lines of "server", slots, index and
 * speed; "noise", time, index and factor; "request", time and work. `run` prints a line for each draw of the
 * policy: p50 and p99 in milliseconds.
 */

const SLOTS = 2;
const MEAN_WORK = 0.04;
const DEADLINE = 5;
const SEED = 1;
/** Runs with the same requests, but other random numbers of the policy and another order of the servers. */
const DRAWS = 5;
/** Half of the servers have half of the speed, and half of each kind have noisy neighbours. */
const KINDS = [
  [0.5, NEIGHBOURS.noisy],
  [0.5, NEIGHBOURS.quiet],
  [1, NEIGHBOURS.noisy],
  [1, NEIGHBOURS.quiet],
] as const;
const OF_EACH_KIND = 2;

function fleet(): ModelServer[] {
  const servers: ModelServer[] = [];
  for (const [speed, neighbours] of KINDS)
    for (const _ of $range(1, OF_EACH_KIND)) servers.push(new_server(speed, SLOTS, neighbours));
  return servers;
}

function setting(load: number, warm_up: number, measured: number, policy: NewPolicy): Setting {
  return {
    servers: fleet(),
    load,
    seed: SEED,
    gateways: 1,
    policy,
    work: exponential,
    mean_work: MEAN_WORK,
    warm_up,
    measured,
    deadline: DEADLINE,
    happens: () => {
      // Servers are as they are.
    },
  };
}

function show(...fields: (string | number)[]): void {
  print(table.concat(fields, "\t"));
}

/** Prints what happens, with a policy that sends no request. */
function plan(load: number, warm_up: number, measured: number): void {
  let timeline: Timeline | undefined;
  let work = 0;
  const nothing = (): void => {
    // No request is sent, and no server leaves.
  };
  const recorder: NewPolicy = () => ({
    choose: (now) => {
      show("request", now - START, work);
      return undefined;
    },
    note: nothing,
    leave: nothing,
    enter: nothing,
  });
  const recorded: Setting = {
    ...setting(load, warm_up, measured, recorder),
    work: (random, mean) => {
      work = exponential(random, mean);
      return work;
    },
    happens: (world: World) => {
      timeline = world.timeline;
    },
  };
  recorded.servers.forEach((server, index) => {
    const { neighbours, slots, base_speed } = server;
    show("server", slots, index, base_speed);
    server.neighbours = (random) => {
      const factor = neighbours(random);
      show("noise", timeline === undefined ? 0 : timeline.now() - START, index, factor);
      return factor;
    };
  });
  run(recorded);
}

/** Returns a policy with other random numbers, which has the servers in another order. */
function with_draw(new_policy: NewPolicy, draw: number): NewPolicy {
  return (place) => {
    const { servers } = place;
    const policy = new_policy({ ...place, random: new_random(SEED + 5000 + draw) });
    const place_of = (index: number): number => (index - draw + servers) % servers;
    return {
      choose: (now) => {
        const chosen = policy.choose(now);
        return chosen === undefined ? undefined : (chosen + draw) % servers;
      },
      note: (index, answer, now) => policy.note(place_of(index), answer, now),
      leave: (index, now) => policy.leave(place_of(index), now),
      enter: (index, now) => policy.enter(place_of(index), now),
    };
  };
}

function milliseconds(sorted: readonly number[], share: number): string {
  return string.format("%.2f", (sorted[math.floor(sorted.length * share)] ?? 0) * 1000);
}

function simulate(load: number, warm_up: number, measured: number, name: string): void {
  const found = POLICIES.find((one) => one.name === name) ?? error(`there is no policy "${name}"`, 0);
  for (const draw of $range(1, DRAWS)) {
    // LuaJIT 2.1.0-beta3 crashes after some hundred traces of different policies.
    jit.flush();
    const { latencies } = run(setting(load, warm_up, measured, with_draw(found.policy, draw)));
    show(milliseconds(latencies, 0.5), milliseconds(latencies, 0.99));
  }
}

const [command, ...parameters] = [...$vararg];
const [load, warm_up, measured] = parameters.map((text) => tonumber(text) ?? 0);
if (command === "plan") plan(load, warm_up, measured);
else simulate(load, warm_up, measured, parameters[3]);

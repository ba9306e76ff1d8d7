import {
  begin_turns,
  keep_turns,
  next_by_key,
  next_in_turn,
  pass_over,
  take_turn,
  total_weight,
  type Shareholder,
} from "../../../src/resty/sluice/balancer/shares";
import { crc32 } from "../../../src/resty/sluice/lib/crc32";
import { expect } from "../support/expect";

const REQUESTS = 100_000;

interface Candidate extends Shareholder {
  name: string;
  is_down: boolean;
}

let choices = 0;

function candidates(...weights: number[]): Candidate[] {
  return weights.map((weight, index) => {
    const name = `app-v${index + 1}`;
    return { name, weight, seed: crc32(name), owed: 0, passed_over: 0, score: 0, is_down: false };
  });
}

/** Takes a turn as a request does: past candidates that are down. */
function choose(all: readonly Candidate[]): Candidate | undefined {
  choices += 1;
  let candidate = take_turn(all, choices);
  while (candidate?.is_down === true) {
    pass_over(all, candidate, choices);
    candidate = take_turn(all, choices);
  }
  return candidate;
}

function owner_of(all: readonly Candidate[], user: number): Candidate | undefined {
  choices += 1;
  const hash = crc32(`user-${user}`);
  let candidate = next_by_key(all, hash, choices);
  while (candidate?.is_down === true) {
    candidate.passed_over = choices;
    candidate = next_by_key(all, hash, choices);
  }
  return candidate;
}

function count_turns(all: readonly Candidate[], requests: number): LuaTable<string, number> {
  const counts = new LuaTable<string, number>();
  for (const { name } of all) counts.set(name, 0);
  for (const _ of $range(1, requests)) {
    const name = choose(all)?.name ?? "none";
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** Returns the owner of each user. */
function owners(all: readonly Candidate[]): string[] {
  const found: string[] = [];
  for (const user of $range(1, REQUESTS)) found.push(owner_of(all, user)?.name ?? "none");
  return found;
}

function within(count: number, requests: number, share: number, deviations: number): boolean {
  const deviation = math.sqrt(requests * share * (1 - share));
  return math.abs(count - requests * share) <= deviations * deviation;
}

describe("turns", () => {
  it("are exact to one request at any moment, also for a share of 0.01 %", () => {
    const all = candidates(95, 4.99, 0.01);
    const had: Record<string, number> = { "app-v1": 0, "app-v2": 0, "app-v3": 0 };
    for (const request of $range(1, REQUESTS)) {
      const name = choose(all)?.name ?? "none";
      had[name] += 1;
      for (const { name: its, weight } of all) {
        if (math.abs(had[its] - (request * weight) / 100) > 1.01) return error(`${its} after ${request}`, 0);
      }
    }
    expect(had["app-v3"]).equal(10);
  });

  it("follow nginx's smooth weighted round robin", () => {
    const all = candidates(5, 1, 1);
    const sequence: string[] = [];
    for (const _ of $range(1, 7)) {
      const name = choose(all)?.name ?? "none";
      sequence.push(name);
    }
    expect(sequence.join(" ")).equal("app-v1 app-v1 app-v2 app-v1 app-v3 app-v1 app-v1");
  });

  it("of a candidate that is down go to the others in proportion", () => {
    const all = candidates(50, 30, 20);
    all[0].is_down = true;
    const counts = count_turns(all, 1000);
    expect(counts.get("app-v1")).equal(0);
    expect(counts.get("app-v2")).equal(600);
    expect(counts.get("app-v3")).equal(400);
    for (const one of all) one.is_down = true;
    expect(choose(all)).equal(undefined);
    for (const one of all) one.is_down = false;
    // A candidate that returns gets its share, and not what it has missed.
    const after = count_turns(all, 1000);
    expect(math.abs(after.get("app-v1") - 500) <= 1).equal(true);
  });

  it("keep their place when weights change, in any unit", () => {
    const all = candidates(95, 5);
    for (const _ of $range(1, 10)) choose(all);
    const owed = all[0].owed / 100;
    const before = total_weight(all);
    all[0].weight = 900_000;
    all[1].weight = 100_000;
    keep_turns(all, before);
    expect(math.abs(all[0].owed / 1_000_000 - owed) < 1e-9).equal(true);
    expect(math.abs(count_turns(all, 1000).get("app-v2") - 100) <= 1).equal(true);
    all[1].weight = 0;
    keep_turns(all, 1_000_000);
    expect(count_turns(all, 1000).get("app-v2")).equal(0);
  });

  it("begin without a bias: short lives give a small share its due", () => {
    math.randomseed(7);
    let small = 0;
    const lives = 20_000;
    for (const _ of $range(1, lives)) {
      const all = candidates(95, 5);
      begin_turns(all, math.random);
      small += count_turns(all, 3).get("app-v2");
    }
    expect(within(small, lives * 3, 0.05, 3.5)).equal(true);
  });

  it("are foreseen", () => {
    const all = candidates(5, 3, 2);
    for (const _ of $range(1, 20)) {
      choices += 1;
      const foreseen = next_in_turn(all, choices);
      expect(choose(all)).equal(foreseen);
    }
  });
});

describe("shares by key", () => {
  it("have counts within three standard deviations over 10^5 keys", () => {
    for (const weights of [
      [95, 5],
      [90, 9.99, 0.01],
      [1, 1, 1, 1],
    ]) {
      const all = candidates(...weights);
      const total = total_weight(all);
      const counts = new LuaTable<string, number>();
      for (const name of owners(all)) counts.set(name, (counts.get(name) ?? 0) + 1);
      for (const { name, weight } of all) {
        const count = counts.get(name) ?? 0;
        if (!within(count, REQUESTS, weight / total, 3)) return error(`${name} has ${count}`, 0);
      }
    }
  });

  it("move nobody back while a weight rises, and nobody else when it falls", () => {
    const all = candidates(95, 5);
    let before = owners(all);
    for (const weight of [5.01, 10, 50]) {
      all[0].weight = 100 - weight;
      all[1].weight = weight;
      const after = owners(all);
      for (const user of $range(0, REQUESTS - 1)) {
        if (before[user] === "app-v2" && after[user] !== "app-v2") return error("a user was moved back", 0);
      }
      before = after;
    }
    const first = owners(candidates(95, 5));
    all[0].weight = 95;
    all[1].weight = 5;
    expect(owners(all)).same(first);
    all[1].weight = 0;
    for (const owner of owners(all)) if (owner !== "app-v1") return error(`${owner} with a weight of 0`, 0);
  });

  it("of a candidate that is down go to the others, whose keys stay", () => {
    const all = candidates(50, 30, 20);
    const before = owners(all);
    all[0].is_down = true;
    const after = owners(all);
    const moved = new LuaTable<string, number>();
    for (const user of $range(0, REQUESTS - 1)) {
      if (before[user] === "app-v1") moved.set(after[user], (moved.get(after[user]) ?? 0) + 1);
      else if (before[user] !== after[user]) return error("a key of another candidate has moved", 0);
    }
    const all_moved = (moved.get("app-v2") ?? 0) + (moved.get("app-v3") ?? 0);
    expect(moved.get("app-v1")).equal(undefined);
    expect(within(moved.get("app-v2") ?? 0, all_moved, 0.6, 3)).equal(true);
    for (const one of all) one.is_down = true;
    expect(owner_of(all, 1)).equal(undefined);
  });
});

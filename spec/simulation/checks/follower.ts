import type * as Read from "../../../src/resty/sluice/store/document/read";
import type * as Changes from "../../../src/resty/sluice/store/memory/changes";
import type * as Job from "../../../src/resty/sluice/lib/job";
import type { Worker } from "../gateway";
import { fail } from "../world/world";
import type { Ledger } from "./ledger";

/**
 * A reader in each worker that follows the changes as background work does. After each look it must know
 * every upstream at least as it was at the revision that it has reached, and never an older version.
 */

const LOOK_SECONDS = 0.1;

export function start_follower({ load, process }: Worker, ledger: Ledger): void {
  const { new_follower, follow_upstreams } = load("store/memory/changes") as typeof Changes;
  const { read } = load("store/document/read") as typeof Read;
  const { every } = load("lib/job") as typeof Job;
  const follower = new_follower();
  const known = new LuaTable<string, number>();
  const name_of_check = "each reader sees a prefix";

  function look_at(name: string): void {
    const revision = read(name)?.revision ?? 0;
    const before = (known.get(name) as number | undefined) ?? 0;
    if (revision !== 0 && revision < before)
      fail(ledger.world, name_of_check, `${process.name} saw ${name} at ${before} and then at ${revision}`);
    if (revision === 0) known.delete(name);
    else known.set(name, revision);
  }

  function check(): void {
    const reached = follower.revision;
    const state = ledger.states.get(reached);
    // A reader that the power failure of another run has left behind.
    if (state === undefined) return;
    for (const [name, text] of pairs(state)) {
      const wanted = tonumber(string.match(text, '"revision":(%d+)')[0]) ?? 0;
      const there = (known.get(name) as number | undefined) ?? 0;
      if (there < wanted && (read(name)?.revision ?? 0) >= wanted)
        fail(ledger.world, name_of_check, `${process.name} at revision ${reached} has ${name} at ${there}`);
    }
  }

  every(LOOK_SECONDS, () => {
    follow_upstreams(follower, known, look_at, () => true);
    check();
  });
}

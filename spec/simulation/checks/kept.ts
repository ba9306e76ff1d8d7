import type { Version } from "../../unit/support/etcd";
import { token_text } from "../operations";
import type { Site } from "../scenarios/faults";
import { log_of, version_at, type Etcd, type Logged } from "../world/etcd";
import { after, fail } from "../world/world";
import { is_put_back, type SharedSent } from "./shared";

/** Checks what the gateways keep of their upstreams when etcd loses its data. */

const LOOK_SECONDS = 0.25;

/** Returns the number of the last deletion of a key; 0: it was never deleted. */
function last_deletion(etcd: Etcd, key: string): number {
  let last = 0;
  for (const { value, number } of log_of(etcd, key)) if (value === undefined) last = number;
  return last;
}

/** Tells whether a gateway has lost what it had not synced, by a loss of power. */
function has_lost_state({ plan, gateway }: Site): boolean {
  return !plan.fsync && gateway.machine.boot > 1;
}

/** Checks again and again that no gateway deletes an upstream that nobody has deleted. */
export function watch_names(etcd: Etcd, prefix: string, sites: readonly Site[]): void {
  const known = new LuaSet<string>();
  const look = (): void => {
    for (const site of sites) {
      const { gateway, ledger } = site;
      const is_lost = has_lost_state(site) || gateway.nginx === undefined;
      const state = is_lost ? undefined : ledger.states.get(ledger.last);
      if (state !== undefined) {
        for (const [name] of pairs(state)) known.add(`${gateway.name} ${name}`);
        for (const name of ["app0", "app1", "app2"]) {
          const is_gone = known.has(`${gateway.name} ${name}`) && !state.has(name);
          if (is_gone && last_deletion(etcd, prefix + name) === 0)
            fail(etcd.world, "no upstream disappears with etcd's data", `${gateway.name} has lost ${name}`);
        }
      }
    }
    after(etcd.world, LOOK_SECONDS, look);
  };
  look();
}

function shared_part({ value }: Version): string {
  return string.match(value ?? "", "^[^\n]*")[0];
}

function one_line(text: string): string {
  return string.gsub(text, "\n", " ")[0];
}

/** Returns the last change that made the content of a version. */
function change_of(log: readonly Logged[], version: Version): number {
  let found = 0;
  for (const one of log) {
    if (!is_put_back(one) && shared_part(one) === shared_part(version)) found = one.number;
  }
  return found;
}

/** Returns the number of the last acknowledged change of a key, with its request; 0: there is none. */
function last_acknowledged(
  log: readonly Logged[],
  name: string,
  all: readonly SharedSent[],
): LuaMultiReturn<[number, number]> {
  let [last, of] = [0, 0];
  for (const { operation, result } of all) {
    const { kind, names, token } = operation;
    const is_acknowledged = result !== undefined && result.problem === undefined && names.includes(name);
    if (is_acknowledged && kind !== "read" && kind !== "delete") {
      // The first version with the token is that of the request.
      const text = token_text(token);
      const made = log.find(({ value }) => string.find(value ?? "", text, 1, true)[0] !== undefined);
      if (made !== undefined && made.number > last) [last, of] = [made.number, token];
    }
  }
  return $multi(last, of);
}

/**
 * Checks in the end that no upstream is older than its last acknowledged change, although etcd has lost its
 * data. A gateway that was reloaded does not remember deletions, so a deleted upstream may be back.
 */
export function check_kept(
  etcd: Etcd,
  prefix: string,
  sites: readonly Site[],
  all: readonly SharedSent[],
  names: readonly string[],
): void {
  if (sites.some((site) => has_lost_state(site))) return;
  for (const name of names) {
    const key = prefix + name;
    const log = log_of(etcd, key);
    const [acknowledged, token] = last_acknowledged(log, name, all);
    if (acknowledged > last_deletion(etcd, key)) {
      const version = version_at(etcd, key);
      const there = version === undefined ? 0 : change_of(log, version);
      if (there < acknowledged)
        fail(
          etcd.world,
          "the gateways put back what etcd has lost",
          `${name} lacks the acknowledged request ${token}: ${one_line(version?.value ?? "it is gone")}`,
        );
    }
  }
}

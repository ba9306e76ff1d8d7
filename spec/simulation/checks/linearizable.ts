/**
 * Checks whether a history of requests to one upstream is linearizable: whether there is an order of them in
 * which each has its effect at one moment between its request and its answer. The algorithm is that of Wing
 * and Gong, as Lowe has improved it: it remembers which requests in which state have led to nothing.
 */

/** A request and its effect on the version of the upstream. Versions are texts; "": it does not exist. */
export interface Call {
  /** When it was sent and answered; infinite: it was not answered. */
  began: number;
  ended: number;
  /** The version that must be there before; undefined: any. */
  expects: string | undefined;
  /** True: any version but `expects` is there before. */
  differs: boolean;
  /** The version after it; undefined: the one before. */
  makes: string | undefined;
  /** True: it may have had no effect. */
  is_optional: boolean;
  text: string;
}

/** Returns the version after a call; undefined: the version before does not allow it. */
function after_call({ expects, differs, makes }: Call, version: string): string | undefined {
  if (expects !== undefined && (version === expects) === differs) return undefined;
  return makes ?? version;
}

interface Search {
  calls: readonly Call[];
  /** The calls that were taken with the version after them, of which none has led to the end. */
  tried: LuaSet<string>;
  done: boolean[];
  steps: number;
}

/** More steps than any history of a run needs. */
const MOST_STEPS = 200_000;

function key_of({ done }: Search, version: string): string {
  const bits: string[] = [];
  for (const is_done of done) bits.push(is_done ? "1" : "0");
  return `${table.concat(bits)}${version}`;
}

/** Tells whether the calls that are left can follow a version. */
function can_follow(search: Search, version: string): boolean {
  const { calls, done, tried } = search;
  search.steps += 1;
  if (search.steps > MOST_STEPS) return true;
  // A call can come next if it began before every call that is left has ended.
  let first_end = math.huge;
  let is_complete = true;
  for (const [number, call] of ipairs(calls as Call[])) {
    if (!done[number - 1]) {
      if (!call.is_optional) is_complete = false;
      first_end = math.min(first_end, call.ended);
    }
  }
  if (is_complete) return true;
  const key = key_of(search, version);
  if (tried.has(key)) return false;
  tried.add(key);
  for (const [number, call] of ipairs(calls as Call[])) {
    if (!done[number - 1] && call.began <= first_end) {
      const next = after_call(call, version);
      done[number - 1] = true;
      const is_possible = next !== undefined && can_follow(search, next);
      if (is_possible || (call.is_optional && can_follow(search, version))) return true;
      done[number - 1] = false;
    }
  }
  return false;
}

/** Checks a history that begins with a version. Returns a description of one that is not linearizable. */
export function check_history(calls: readonly Call[], first: string): string | undefined {
  const sorted = calls.slice();
  table.sort(sorted, (a, b) => (a.began === b.began ? a.text < b.text : a.began < b.began));
  const done: boolean[] = [];
  for (const _ of sorted) done.push(false);
  if (can_follow({ calls: sorted, tried: new LuaSet(), done, steps: 0 }, first)) return undefined;
  return `no order explains: ${sorted.map(({ text }) => text).join("; ")}`;
}

import { loadRules, type Rules } from "./machine";

/** Checks upstreams as the gateway would, as far as it needs no gateway. */

export interface RuleProblem {
  upstream: string;
  /** The path of the member below the upstream, such as `servers[0].weight`; "": there is none. */
  path: string;
  text: string;
}

/** A problem as the rules report it. */
interface Refused {
  text: string;
  field?: string;
}

/** Returns all problems of upstreams. */
export type Checker = (upstreams: ReadonlyMap<string, unknown>) => RuleProblem[];

/** Returns the object of `patch`, if an upstream has one. */
function patchOf(upstream: unknown): unknown {
  const { patch } = (upstream ?? {}) as { patch?: unknown };
  return typeof patch === "object" && patch !== null ? patch : undefined;
}

function problemsOf(rules: Rules, upstream: string, value: unknown): RuleProblem[] {
  // Without problems there is no list: an empty table of Lua is an object.
  const refused = rules(upstream, JSON.stringify(value), patchOf(value));
  const problems = Array.isArray(refused) ? (refused as Refused[]) : [];
  return problems.map(({ text, field = "" }) => ({ upstream, path: field, text }));
}

/** Loads the rules, which takes a moment. */
export async function loadChecker(): Promise<Checker> {
  const rules = await loadRules();
  return (upstreams) => [...upstreams].flatMap(([name, upstream]) => problemsOf(rules, name, upstream));
}

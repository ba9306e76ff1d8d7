import { Failure } from "../failure";
import type { Imported, ImportedUpstream } from "../nginx/upstreams";
import type { RuleProblem } from "../rules/upstreams";

/** Removes from imported upstreams what the gateway would refuse, so that the result is always valid. */

/** Upper bound on the problems of one configuration. */
const MOST_PROBLEMS = 10_000;

/** Removes what a problem is about. Returns what that was; undefined: it could not be removed. */
function remove(upstream: ImportedUpstream, { path }: RuleProblem): string | undefined {
  const [, index, parameter] = /^servers\[(\d+)\](?:\.(\w+))?$/.exec(path) ?? [];
  if (index === undefined) {
    const [setting = ""] = path.split(/[.[]/);
    if (!Object.hasOwn(upstream, setting)) return undefined;
    delete upstream[setting];
    if (setting === upstream.method) delete upstream.method;
    return setting;
  }
  const server = upstream.servers[Number(index)];
  if (server === undefined) return undefined;
  if (parameter === undefined || parameter === "server") upstream.servers.splice(Number(index), 1);
  else delete (server as unknown as Record<string, unknown>)[parameter];
  return server.server;
}

/** Returns the first problem of each upstream. */
function firstOf(problems: RuleProblem[]): RuleProblem[] {
  return [...new Map(problems.toReversed().map((problem) => [problem.upstream, problem])).values()].reverse();
}

/** Removes everything that is refused, and notes it at the line of its upstream. */
export async function removeUnfit({ upstreams, places, notes }: Imported): Promise<void> {
  const { loadChecker } = await import("../rules/upstreams");
  const problemsOf = await loadChecker();
  for (let round = 0; round < MOST_PROBLEMS; round += 1) {
    const problems = problemsOf(upstreams);
    if (problems.length === 0) return;
    // The next problems of an upstream may be about servers that then have other places.
    for (const problem of firstOf(problems)) {
      const upstream = upstreams.get(problem.upstream);
      const removed = upstream === undefined ? undefined : remove(upstream, problem);
      const place = places.get(problem.upstream);
      if (removed === undefined || place === undefined)
        throw new Failure(`upstream ${problem.upstream}: ${problem.text}`);
      notes.leftOut(place, `${removed}: ${problem.text.replace(/^servers\[\d+\]: /, "")}`);
    }
  }
}

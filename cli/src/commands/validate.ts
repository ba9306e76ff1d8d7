import type { Command } from "commander";
import { readDesired } from "../documents/desired";
import { Failure } from "../failure";
import { print } from "../output/terminal";
import { count } from "../output/text";
import { withFiles } from "./diff_options";
import { addVerb } from "./verb";

function serversIn(upstream: unknown): number {
  const { servers } = (upstream ?? {}) as { servers?: unknown };
  return Array.isArray(servers) ? servers.length : 0;
}

async function validate({ file }: { file: string[] }): Promise<void> {
  const desired = readDesired(file);
  const { loadChecker } = await import("../rules/upstreams");
  const problemsOf = await loadChecker();
  const problems = problemsOf(desired.upstreams);
  if (problems.length > 0) {
    const lines = problems.map(({ upstream, path, text }) => {
      const place = desired.placeOf(upstream, path) ?? upstream;
      return `${place}: ${upstream}: ${text}`;
    });
    throw new Failure(...lines);
  }
  const { files, upstreams } = desired;
  const servers = [...upstreams.values()].reduce<number>((sum, upstream) => sum + serversIn(upstream), 0);
  print(
    `valid: ${count(files.length, "file")}, ${count(upstreams.size, "upstream")}, ${count(servers, "server")}`,
  );
}

export function addValidate(program: Command): void {
  const verb = addVerb(
    program,
    "validate",
    "check files by all rules that need no gateway",
    "sluice validate -f upstreams.yaml",
    "sluice validate -f upstreams/",
  );
  withFiles(verb).action(validate);
}

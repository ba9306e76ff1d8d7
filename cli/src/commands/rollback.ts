import type { Command } from "commander";
import { ROLLBACK } from "../api/paths";
import { Failure } from "../failure";
import { makeOrShow, withMakeOptions, type MakeOptions } from "./apply";
import { addVerb, clientOf } from "./verb";

async function rollback(
  revision: string,
  upstreams: string[],
  options: MakeOptions & { force?: boolean },
  command: Command,
): Promise<void> {
  if (!/^\d+$/.test(revision))
    throw new Failure(`invalid revision "${revision}": must be a number of \`sluice history\``);
  const { comment, force } = options;
  const body = {
    to: Number(revision),
    ...(upstreams.length === 0 ? {} : { upstreams }),
    ...(comment === undefined ? {} : { comment }),
  };
  const dryRunMember = { dry_run: true };
  await makeOrShow({ client: clientOf(command), path: ROLLBACK, body, dryRunMember, force }, options);
}

export function addRollback(program: Command): void {
  const verb = addVerb(
    program,
    "rollback <revision> [upstreams...]",
    "make upstreams what they were at a revision; without names, all",
    "sluice rollback 41 --dry-run",
    "sluice rollback 41 app --comment 'release 42 is slow'",
  );
  withMakeOptions(verb).option("--force", "leave upstreams in use without a server").action(rollback);
}

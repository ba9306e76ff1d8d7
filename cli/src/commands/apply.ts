import type { Command } from "commander";
import { readDesired } from "../documents/desired";
import { differs } from "../model/answers";
import { parseDuration } from "../model/duration";
import { differencesText, summaryOf } from "../output/difference";
import { print } from "../output/terminal";
import { carryOut, preview, type Plan } from "./change";
import { planOf, withChangeOptions, type ChangeOptions } from "./diff_options";
import { addVerb } from "./verb";

/** The value of `--wait` without a time. */
const USUAL_WAIT = "10s";

export interface MakeOptions {
  dryRun?: boolean;
  wait?: string | true;
  comment?: string;
  yes?: boolean;
}

/** Adds the options of a change that is shown first and then made. */
export function withMakeOptions(command: Command): Command {
  return command
    .option("--dry-run", "only show what would be changed")
    .option("--wait [time]", `wait until all workers follow the change (default time: ${USUAL_WAIT})`)
    .option("--comment <text>", "a comment for the history")
    .option("-y, --yes", "do not ask before removals");
}

/** Makes a change, or shows what it would be. */
export async function makeOrShow(plan: Plan, { dryRun, wait, yes }: MakeOptions): Promise<void> {
  if (dryRun === true) {
    const planned = await preview(plan);
    const text = differs(planned) ? summaryOf(planned.upstreams, "would be") : "nothing to change";
    print(`${differencesText(planned.upstreams)}dry run: ${text}; nothing was changed`);
    return;
  }
  const time = wait === true ? USUAL_WAIT : wait;
  const patience = time === undefined ? 0 : parseDuration("--wait", time);
  await carryOut(plan, { yes, wait: time }, patience);
}

async function apply(options: ChangeOptions & MakeOptions, command: Command): Promise<void> {
  const desired = readDesired(options.file);
  await makeOrShow(planOf(desired, options, options.comment, command), options);
}

export function addApply(program: Command): void {
  const verb = addVerb(
    program,
    "apply",
    "make the gateway equal to files, all or nothing",
    "sluice apply -f upstreams.yaml",
    "sluice apply -f upstreams/ --prune --owner team-a --max-removal 50% --comment 'release 42' --wait --yes",
    "sluice export | sed 's/weight: 1/weight: 2/' | sluice apply -f -",
  );
  withMakeOptions(withChangeOptions(verb)).action(apply);
}

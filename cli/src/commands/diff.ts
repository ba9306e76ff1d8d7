import type { Command } from "commander";
import { readDesired } from "../documents/desired";
import { Status } from "../failure";
import { differs } from "../model/answers";
import { printData, type Format } from "../output/data";
import { differencesText, summaryOf } from "../output/difference";
import { print } from "../output/terminal";
import { preview } from "./change";
import { planOf, withChangeOptions, type ChangeOptions } from "./diff_options";
import { addVerb, withFormat } from "./verb";

async function diff(options: ChangeOptions & { output: Format }, command: Command): Promise<void> {
  const desired = readDesired(options.file);
  const planned = await preview(planOf(desired, options, undefined, command));
  const isDifferent = differs(planned);
  if (isDifferent) process.exitCode = Status.DIFFERENT;
  if (printData(options.output, planned)) return;
  if (isDifferent) print(`${differencesText(planned.upstreams)}${summaryOf(planned.upstreams, "would be")}`);
  else print(`the gateway equals the files (revision ${planned.revision})`);
}

export function addDiff(program: Command): void {
  const verb = addVerb(
    program,
    "diff",
    "show what `apply` would change; the exit status is 0 if nothing, 2 if something, 1 after an error",
    "sluice diff -f upstreams.yaml",
    "sluice diff -f upstreams/ --prune --owner team-a",
    "sluice diff -f upstreams/ -o json",
  );
  withFormat(withChangeOptions(verb)).action(diff);
}

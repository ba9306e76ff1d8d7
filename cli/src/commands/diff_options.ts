import { InvalidArgumentError, type Command } from "commander";
import { CHANGES } from "../api/paths";
import type { Desired } from "../documents/desired";
import type { Plan } from "./change";
import { clientOf, collect } from "./verb";

/** Options of `diff` and `apply`, which describe the same change. */

export interface ChangeOptions {
  file: string[];
  prune?: boolean;
  owner?: string;
  maxRemoval?: number;
  force?: boolean;
}

function parsePercent(text: string): number {
  const [, digits] = /^(\d{1,3})%?$/.exec(text) ?? [];
  if (digits === undefined || Number(digits) > 100)
    throw new InvalidArgumentError("It must be a percentage, such as 50%.");
  return Number(digits);
}

/** Adds `-f`. */
export function withFiles(command: Command): Command {
  return command.requiredOption(
    "-f, --file <path>",
    "a file in YAML or JSON, a folder of such files, or - for standard input; may be repeated",
    collect,
  );
}

export function withChangeOptions(command: Command): Command {
  return withFiles(command)
    .option("--prune", "delete upstreams of the same owner that no file has")
    .option("--owner <name>", "who manages these upstreams")
    .option(
      "--max-removal <percent>",
      "refuse to remove more than this part of an upstream's servers",
      parsePercent,
    )
    .option("--force", "take over upstreams of other owners, and leave upstreams in use without a server");
}

/** Returns the change that files and options describe. */
export function planOf(
  desired: Desired,
  options: ChangeOptions,
  comment: string | undefined,
  command: Command,
): Plan {
  const { prune, owner, maxRemoval, force } = options;
  return {
    client: clientOf(command),
    path: CHANGES,
    body: {
      upstreams: desired.asObject(),
      ...(prune === true ? { prune } : {}),
      ...(owner === undefined ? {} : { owner }),
      ...(maxRemoval === undefined ? {} : { max_removal_percent: maxRemoval }),
      ...(comment === undefined ? {} : { comment }),
    },
    force,
    placeOf: (path) => desired.placeOfApiPath(path),
  };
}

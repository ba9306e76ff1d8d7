import { Option, type Command } from "commander";
import type { Server } from "../model/answers";

/** Options of `add` and `set` that are parameters of a server. The gateway checks their values. */

/** The options by the names of the parameters. */
const VALUES = [
  ["weight", "--weight <number>", "share of the requests, relative to the other servers"],
  [
    "max_conns",
    "--max-conns <number>",
    "most requests in flight; 0: no limit; adaptive: found by the gateway",
  ],
  [
    "max_fails",
    "--max-fails <number>",
    "failures within the fail timeout that make it unavailable; 0: no limit",
  ],
  ["fail_timeout", "--fail-timeout <time>", "time in which failures are counted, such as 10s"],
  ["slow_start", "--slow-start <time>", "time in which its weight rises after a start"],
  ["route", "--route <name>", "its name for sticky.route"],
  ["zone", "--zone <name>", "zone in which it runs, such as eu-1a"],
] as const;

/** Adds the options that both verbs have. */
export function withParameters(command: Command): Command {
  for (const [, flags, description] of VALUES) command.addOption(new Option(flags, description));
  return command;
}

export type ParameterOptions = Record<string, string | boolean | undefined>;

/** Returns the name that commander gives to an option. */
function optionName(parameter: string): string {
  return parameter.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Returns the given parameters as the API takes them. */
export function parametersOf(options: ParameterOptions, flags: readonly string[]): Record<string, unknown> {
  const parameters: Record<string, unknown> = {};
  for (const [name] of VALUES) {
    const value = options[optionName(name)];
    // Not a number of the wrong form: the gateway's message names it.
    if (typeof value === "string") parameters[name] = /^\d{1,15}$/.test(value) ? Number(value) : value;
  }
  for (const name of ["fail_timeout", "slow_start", "route", "zone"]) {
    if (typeof parameters[name] === "number") parameters[name] = options[optionName(name)];
  }
  for (const name of flags) if (options[name] !== undefined) parameters[name] = options[name];
  return parameters;
}

/** The parameters of a server in the order in which they are shown. */
const SHOWN = [...VALUES.map(([name]) => name), "backup", "down", "drain", "standby"] as const;

/** Lists the parameters that two versions of a server do not share. */
export function changesOf(before: Server, after: Server): { field: string; from: unknown; to: unknown }[] {
  const fields = ["server", ...SHOWN].filter((name) => before[name] !== after[name]);
  return fields.map((field) => ({
    field,
    from: before[field] ?? false,
    to: after[field] ?? false,
  }));
}

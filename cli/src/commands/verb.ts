import type { Command } from "commander";
import type { Client } from "../api/client";
import { parseFormat } from "../output/data";
import { connect, type ConnectionOptions } from "../settings/connection";

/** What the verbs have in common. */

const COMMON_HELP = "`sluice --help` lists the options for the address of the gateway and for access to it.";

/** Adds a verb, whose help ends with examples. */
export function addVerb(
  program: Command,
  usage: string,
  description: string,
  ...examples: string[]
): Command {
  const lines = examples.map((example) => `  $ ${example}`);
  return program
    .command(usage)
    .description(description)
    .addHelpText("after", `\nExamples:\n${lines.join("\n")}\n\n${COMMON_HELP}`);
}

/** Returns the client for the options of a command. */
export function clientOf(command: Command): Client {
  return connect(command.optsWithGlobals<ConnectionOptions>());
}

/** Adds `-o`. */
export function withFormat(command: Command): Command {
  return command.option("-o, --output <format>", "text, json or yaml", parseFormat, "text");
}

/** Collects the values of an option that may be repeated. */
export function collect(value: string, earlier: string[] | undefined): string[] {
  return [...(earlier ?? []), value];
}

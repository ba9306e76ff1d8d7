import type { Command } from "commander";
import { HISTORY, queryOf } from "../api/paths";
import { Failure } from "../failure";
import type { Difference, History, HistoryEntry } from "../model/answers";
import { printData, type Format } from "../output/data";
import { differencesText } from "../output/difference";
import { table } from "../output/table";
import { note, print } from "../output/terminal";
import { clean, moment } from "../output/text";
import { addVerb, clientOf, withFormat } from "./verb";

interface Options {
  upstream?: string;
  since?: string;
  limit?: string;
  output: Format;
}

/** The number of upstreams that a line names. */
const MOST_NAMED = 3;

/** Returns a summary such as "app, shop (created)". */
function changesText(upstreams: Record<string, Difference>): string {
  const changed = Object.entries(upstreams).filter(([, { change }]) => change !== "unchanged");
  const named = changed
    .slice(0, MOST_NAMED)
    .map(([name, { change }]) => (change === "changed" ? name : `${name} (${change})`));
  const others = changed.length - named.length;
  return [...named, ...(others > 0 ? [`${others} more`] : [])].join(", ");
}

function historyText(changes: HistoryEntry[]): string {
  return table(
    [
      { title: "REVISION", value: ({ revision }) => revision },
      { title: "TIME", value: ({ time }) => moment(time) },
      { title: "AUTHOR", value: ({ author }) => author },
      { title: "ORIGIN", value: ({ origin = "" }) => origin },
      { title: "UPSTREAMS", value: ({ upstreams }) => changesText(upstreams) },
      { title: "COMMENT", value: ({ comment = "" }) => comment },
    ],
    changes,
  );
}

function entryText({ revision, time, author, origin, comment, request_id, upstreams }: HistoryEntry): string {
  const facts: [name: string, value: string | undefined][] = [
    ["time", moment(time)],
    ["author", author],
    ["origin", origin],
    ["comment", comment],
    ["request", request_id],
  ];
  const lines = facts.flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [`${`${name}:`.padEnd(9)}${clean(value)}`],
  );
  return `revision ${revision}\n${lines.join("\n")}\n${differencesText(upstreams)}`;
}

async function history(revision: string | undefined, options: Options, command: Command): Promise<void> {
  const { upstream, since, limit, output } = options;
  const client = clientOf(command);
  if (revision !== undefined) {
    if (!/^\d+$/.test(revision))
      throw new Failure(`invalid revision "${revision}": must be a number of \`sluice history\``);
    const entry = await client.get<HistoryEntry>(`${HISTORY}/${revision}`);
    if (!printData(output, entry)) print(entryText(entry));
    return;
  }
  const found = await client.get<History>(`${HISTORY}${queryOf({ upstream, since, limit })}`);
  if (printData(output, found)) return;
  if (found.changes.length === 0) note("There is no such change in the history");
  else print(historyText(found.changes));
}

export function addHistory(program: Command): void {
  const verb = addVerb(
    program,
    "history [revision]",
    "show the latest changes, or one of them in full",
    "sluice history",
    "sluice history --upstream app --limit 5",
    "sluice history 42",
  );
  withFormat(verb)
    .option("--upstream <name>", "only changes of this upstream")
    .option("--since <revision>", "only changes after this revision")
    .option("--limit <number>", "at most so many changes", "20")
    .action(history);
}

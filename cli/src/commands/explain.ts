import type { Command } from "commander";
import { queryOf, upstreamPath } from "../api/paths";
import type { Explained } from "../model/answers";
import { printData, type Format } from "../output/data";
import { membersText } from "../output/members";
import { table } from "../output/table";
import { print } from "../output/terminal";
import { clean } from "../output/text";
import { addVerb, clientOf, withFormat } from "./verb";

function factorsOf({ configured, slow_start, load, reason }: Explained["servers"][number]["weight"]): string {
  const factors = [String(configured)];
  if (slow_start !== 1) factors.push(`${slow_start.toFixed(2)} slow start`);
  if (load !== 1) factors.push(`${load.toFixed(2)} load (${reason})`);
  return factors.length === 1 ? "" : factors.join(" × ");
}

function explainedText({ method, problems, split, servers, next }: Explained): string {
  const rows = split === undefined ? serversText(servers) : membersText(split);
  const choice = next.server ?? next.upstream;
  const chosen = choice === undefined ? "unknown" : clean(choice);
  const lines = problems.map(({ reason }) => clean(reason));
  const what = split === undefined ? `method: ${method}` : "split";
  return [what, ...lines, rows.trimEnd(), `next: ${chosen} (${clean(next.reason)})`].join("\n");
}

function serversText(servers: Explained["servers"]): string {
  return table(
    [
      { title: "SERVER", value: ({ server, backup }) => (backup ? `${server} (backup)` : server) },
      { title: "STATE", value: ({ state }) => state },
      { title: "WEIGHT", value: ({ weight }) => Number(weight.effective.toFixed(2)) },
      { title: "SHARE", value: ({ picks_percent }) => `${picks_percent.toFixed(1)}%` },
      { title: "ACTIVE", value: ({ active }) => active },
      {
        title: "WHY",
        value: ({ reason, weight }) => [reason, factorsOf(weight)].filter((text) => text !== "").join("; "),
      },
    ],
    servers,
  );
}

export function addExplain(program: Command): void {
  const verb = addVerb(
    program,
    "explain <upstream>",
    "show why each server gets its share, and which one is next",
    "sluice explain app",
    "sluice explain app --key /cart/42",
  ).option("--key <text>", "the key of a request (hash, a split), or the address of a client (ip_hash)");
  withFormat(verb).action(
    async (upstream: string, { key, output }: { key?: string; output: Format }, command: Command) => {
      const path = upstreamPath(upstream, `/explain${queryOf({ key })}`);
      const explained = await clientOf(command).get<Explained>(path);
      if (!printData(output, explained)) print(explainedText(explained));
    },
  );
}

import type { Command } from "commander";
import { queryOf, upstreamPath } from "../api/paths";
import type { Explained, ExplainedZones } from "../model/answers";
import { printData, type Format } from "../output/data";
import { membersText } from "../output/members";
import { table } from "../output/table";
import { print } from "../output/terminal";
import { clean } from "../output/text";
import { addVerb, clientOf, withFormat } from "./verb";

function factorsOf(weight: Explained["servers"][number]["weight"]): string {
  const { configured, slow_start, load, outlier = 1, reason } = weight;
  const factors = [String(configured)];
  if (slow_start !== 1) factors.push(`${slow_start.toFixed(2)} slow start`);
  if (load !== 1) factors.push(`${load.toFixed(2)} load (${reason})`);
  if (outlier !== 1) factors.push(`${outlier.toFixed(2)} outlier`);
  return factors.length === 1 ? "" : factors.join(" × ");
}

/** Returns the adaptive limit of a server; "": it has none. */
function limitText({ limit }: Explained["servers"][number]): string {
  if (limit === undefined) return "";
  const { max_conns, light_time } = limit;
  const time = light_time === undefined ? "" : ` (${Math.round(light_time)} ms with few requests)`;
  return `limit ${max_conns}${time}`;
}

/** Returns the shares of the zones, or why zones are ignored. */
function zonesText({ in_effect, reason, zones }: ExplainedZones): string {
  if (!in_effect) return `zones are ignored: ${clean(reason)}`;
  const shares = zones.map(({ zone, local, share_percent = 0, servers, available }) => {
    const name = zone === "" ? "none" : clean(zone);
    return `${name}${local ? " (local)" : ""} ${share_percent.toFixed(1)}%, ${available}/${servers} available`;
  });
  return `zones: ${shares.join("; ")}`;
}

function serversText({ servers, zones }: Explained): string {
  const zoneColumn = {
    title: "ZONE",
    value: ({ zone = "" }: Explained["servers"][number]) => zone,
  };
  return table(
    [
      { title: "SERVER", value: ({ server, backup }) => (backup ? `${server} (backup)` : server) },
      ...(zones === undefined ? [] : [zoneColumn]),
      { title: "STATE", value: ({ state }) => state },
      { title: "WEIGHT", value: ({ weight }) => Number(weight.effective.toFixed(2)) },
      { title: "SHARE", value: ({ picks_percent }) => `${picks_percent.toFixed(1)}%` },
      { title: "ACTIVE", value: ({ active }) => active },
      {
        title: "WHY",
        value: (server) =>
          [server.reason, factorsOf(server.weight), limitText(server)]
            .filter((text) => text !== "")
            .join("; "),
      },
    ],
    servers,
  );
}

function explainedText(explained: Explained): string {
  const { method, problems, split, zones, next } = explained;
  const rows = split === undefined ? serversText(explained) : membersText(split);
  const choice = next.server ?? next.upstream;
  const chosen = choice === undefined ? "unknown" : clean(choice);
  const lines = problems.map(({ reason }) => clean(reason));
  if (zones !== undefined) lines.push(zonesText(zones));
  const what = split === undefined ? `method: ${method}` : "split";
  return [what, ...lines, rows.trimEnd(), `next: ${chosen} (${clean(next.reason)})`].join("\n");
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

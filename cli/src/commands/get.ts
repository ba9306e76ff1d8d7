import type { Command } from "commander";
import type { Client } from "../api/client";
import { STATUS, upstreamPath } from "../api/paths";
import type { DetailedServer, DetailedStatus, Overview, Summary } from "../model/answers";
import { printData, type Format } from "../output/data";
import { table } from "../output/table";
import { note, print } from "../output/terminal";
import { clean, count } from "../output/text";
import { addVerb, clientOf, withFormat } from "./verb";

/** Returns what is wrong with an upstream, the gravest first; "": nothing. */
function troubleOf({ panic, problems = [], discovery, worst }: Summary): string {
  const parts = [
    ...(discovery?.error === undefined ? [] : [`discovery: ${discovery.error}`]),
    ...(panic === true ? ["health is ignored, because too few servers are available"] : []),
    ...problems.map(({ reason }) => reason),
    ...(worst === undefined ? [] : [`${worst.server} is ${worst.state}: ${worst.reason}`]),
  ];
  return parts.join("; ");
}

function overviewText(upstreams: Overview["upstreams"]): string {
  const rows = upstreams.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  return table(
    [
      { title: "NAME", value: ({ name }) => name },
      { title: "METHOD", value: ({ method }) => method },
      { title: "UP", value: ({ states, servers }) => `${states.up ?? 0}/${servers}` },
      { title: "ACTIVE", value: ({ active }) => active },
      { title: "REQUESTS", value: ({ requests }) => requests },
      { title: "FAILS", value: ({ fails }) => fails },
      { title: "TROUBLE", value: troubleOf },
    ],
    rows,
  );
}

/** Returns the roles of a server, such as "backup". */
function roleOf({ backup, standby, origin, node }: DetailedServer): string {
  const roles = [
    ...(backup ? ["backup"] : []),
    ...(standby === true ? ["standby"] : []),
    ...(origin === "hand" ? [] : [node === undefined ? origin : `node ${node}`]),
  ];
  return roles.join(", ");
}

function zoneOf({ zone = "" }: DetailedServer): string {
  return zone;
}

function serversText(servers: DetailedServer[]): string {
  const columns = [
    { title: "ID", value: ({ id }: DetailedServer) => id },
    { title: "SERVER", value: ({ server }: DetailedServer) => server },
    { title: "STATE", value: ({ state }: DetailedServer) => state },
    { title: "WEIGHT", value: ({ weight }: DetailedServer) => Number(weight.effective.toFixed(2)) },
    { title: "ACTIVE", value: ({ active }: DetailedServer) => active },
    { title: "REQUESTS", value: ({ requests }: DetailedServer) => requests },
    { title: "FAILS", value: ({ fails }: DetailedServer) => fails },
    { title: "ZONE", value: zoneOf },
    { title: "ROLE", value: roleOf },
    { title: "REASON", value: ({ state, reason }: DetailedServer) => (state === "up" ? "" : reason) },
  ];
  const isUsed = ({ title, value }: (typeof columns)[number]) =>
    !["ZONE", "ROLE"].includes(title) || servers.some((server) => value(server) !== "");
  return table(columns.filter(isUsed), servers);
}

async function showAll(client: Client, format: Format): Promise<void> {
  const overview = await client.get<Overview>(STATUS);
  if (printData(format, overview)) return;
  for (const { reason } of overview.problems) note(`sluice: the gateway reports: ${clean(reason)}`);
  if (overview.upstreams.length === 0) note("There is no upstream yet: `sluice apply` creates some");
  else print(overviewText(overview.upstreams));
}

async function showOne(client: Client, name: string, format: Format): Promise<void> {
  const status = await client.get<DetailedStatus>(upstreamPath(name, "/status"));
  if (printData(format, status)) return;
  const { method, revision, servers } = status;
  print(`${clean(name)}: ${method}, ${count(servers.length, "server")}, revision ${revision}`);
  const { worst: _, ...summary } = status;
  const trouble = troubleOf(summary);
  if (trouble !== "") print(`  ${clean(trouble)}`);
  if (servers.length > 0) print(serversText(servers));
}

export function addGet(program: Command): void {
  const verb = addVerb(
    program,
    "get [upstream]",
    "show all upstreams, or the servers of one, with their states",
    "sluice get",
    "sluice get app",
    "sluice get app -o json",
  );
  withFormat(verb).action(
    async (name: string | undefined, { output }: { output: Format }, command: Command) => {
      const client = clientOf(command);
      await (name === undefined ? showAll(client, output) : showOne(client, name, output));
    },
  );
}

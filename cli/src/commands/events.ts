import type { Command } from "commander";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "../api/client";
import { EVENTS, queryOf } from "../api/paths";
import { Refusal } from "../api/refusal";
import { eventsOf } from "../api/sse";
import { Failure } from "../failure";
import type { GatewayEvent } from "../model/answers";
import { parseFormat, printData, type Format } from "../output/data";
import { eventLine } from "../output/event";
import { note, print } from "../output/terminal";
import { clean } from "../output/text";
import { addVerb, clientOf } from "./verb";

interface Options {
  follow?: boolean;
  upstream?: string;
  kind?: string;
  last: string;
  output: Format;
}

/** The gateway sends a comment every 15 s, so a longer silence means that the connection is lost. */
const PATIENCE = 15_000;
const LONGEST_PAUSE = 5000;

function show(kind: string, data: string, output: Format): void {
  if (output !== "text") print(JSON.stringify({ event: kind, ...(JSON.parse(data) as object) }));
  else print(eventLine(kind, JSON.parse(data) as GatewayEvent));
}

/** Follows the stream until it ends. Returns the id of its last message. */
async function followOnce(
  client: Client,
  options: Options,
  since: string | undefined,
): Promise<string | undefined> {
  const { upstream, kind, last, output } = options;
  const query = queryOf({ upstream, kind, last: since === undefined ? last : undefined });
  const headers = { Accept: "text/event-stream", ...(since === undefined ? {} : { "Last-Event-ID": since }) };
  const stream = await client.open(`${EVENTS}/stream${query}`, headers, PATIENCE);
  let cursor = since;
  try {
    stream.setEncoding("utf8");
    for await (const { id, event, data } of eventsOf(stream as AsyncIterable<string>)) {
      if (data !== "") show(event, data, output);
      cursor = id;
    }
  } catch {
    // The connection was lost, for example by a reload of nginx.
  }
  return cursor;
}

/** Follows the stream, and connects again whenever it ends. */
async function follow(client: Client, options: Options): Promise<never> {
  let cursor = await followOnce(client, options, undefined);
  for (let pause = 500; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    await sleep(pause);
    try {
      cursor = await followOnce(client, options, cursor);
      pause = 250;
    } catch (cause) {
      if (!(cause instanceof Failure)) throw cause;
      if (cause instanceof Refusal && cause.status < 500) throw cause;
      note(`sluice: ${clean(cause.message)}; it tries again`);
    }
  }
}

async function events(options: Options, command: Command): Promise<void> {
  const client = clientOf(command);
  if (options.follow === true) return follow(client, options);
  const all = await client.get<GatewayEvent[]>(EVENTS);
  const names = options.upstream?.split(",");
  const kinds = options.kind?.split(",");
  const kindOf = ({ new_state, decision }: GatewayEvent) =>
    new_state === undefined ? (decision === undefined ? "problem" : "decision") : "state";
  const chosen = all.filter(
    (event) => (names?.includes(event.upstream) ?? true) && (kinds?.includes(kindOf(event)) ?? true),
  );
  const last = chosen.slice(Math.max(0, chosen.length - Number(options.last)));
  if (printData(options.output, last)) return;
  if (last.length === 0) note("There is no such event since nginx was started");
  for (const event of last) print(eventLine(kindOf(event), event));
}

export function addEvents(program: Command): void {
  addVerb(
    program,
    "events",
    "show changes of states, decisions to scale, and problems",
    "sluice events",
    "sluice events --follow --upstream app,shop",
    "sluice events --follow --kind change -o json",
  )
    .option("-F, --follow", "show events as they happen, and changes of upstreams too")
    .option("--upstream <names>", "only of these upstreams, separated by commas")
    .option("--kind <kinds>", "only state, decision, problem or (with --follow) change, separated by commas")
    .option("--last <number>", "begin with so many of the last events", "20")
    .option(
      "-o, --output <format>",
      "text, json or yaml; with --follow, json is one line for each event",
      parseFormat,
      "text",
    )
    .action(events);
}

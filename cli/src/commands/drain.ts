import type { Command } from "commander";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "../api/client";
import { queryOf, upstreamPath } from "../api/paths";
import { Failure } from "../failure";
import type { DetailedServer, DetailedStatus, DrainJob } from "../model/answers";
import { parseDuration } from "../model/duration";
import { print, progress } from "../output/terminal";
import { clean, count } from "../output/text";
import { changeServer, findStatus, guardLast } from "./servers";
import { addVerb, clientOf } from "./verb";

interface Options {
  wait?: string | true;
  remove?: boolean;
  deadline?: string;
  yes?: boolean;
}

/** The time between two looks at the requests in progress, in milliseconds. */
const LOOK_EVERY = 250;

interface Drained {
  client: Client;
  upstream: string;
  server: DetailedServer;
}

/** Returns the number of requests in progress; undefined: the drain job has removed the server. */
async function remaining({ client, upstream, server }: Drained, isJob: boolean): Promise<number | undefined> {
  if (isJob) {
    const job = await client.get<DrainJob>(upstreamPath(upstream, `/servers/${server.id}/drain`));
    return job.state === "done" ? undefined : (job.active ?? 0);
  }
  const path = upstreamPath(upstream, `/status${queryOf({ servers: server.id })}`);
  const { servers } = await client.get<DetailedStatus>(path);
  const found = servers.find(({ id }) => id === server.id);
  if (found === undefined)
    throw new Failure(`${server.server} has been removed from "${upstream}" meanwhile`);
  if (found.drain === undefined && found.down === undefined)
    throw new Failure(`${server.server} has been returned to service meanwhile`);
  return found.active;
}

/** Waits until a server has no request in progress, or until the drain job has removed it. */
async function waitUntilDone(drained: Drained, isJob: boolean, limit: number): Promise<void> {
  const { upstream, server } = drained;
  const head = `${clean(upstream)}: ${clean(server.server)}`;
  const end = performance.now() + limit;
  const line = progress();
  let active = await remaining(drained, isJob);
  while (active !== undefined && (active > 0 || isJob)) {
    line.show(`${head} drains: ${count(active, "request")} in progress`);
    if (performance.now() >= end) {
      line.end();
      throw new Failure(
        `${server.server} still has ${count(active, "request")} after the time of --wait; it goes on draining`,
      );
    }
    await sleep(LOOK_EVERY);
    active = await remaining(drained, isJob);
  }
  line.end();
  print(isJob ? `${head} is idle and has been removed` : `${head} is idle`);
}

async function drain(upstream: string, address: string, options: Options, command: Command): Promise<void> {
  const { wait, remove: isJob = false, deadline, yes } = options;
  if (deadline !== undefined && !isJob)
    throw new Failure("--deadline needs --remove, which it is the deadline of");
  const limit = typeof wait === "string" ? parseDuration("--wait", wait) : Infinity;
  const client = clientOf(command);
  const { status, server } = await findStatus(client, upstream, address);
  await guardLast(upstream, status, server, "Drain it?", yes);
  if (isJob) {
    const path = upstreamPath(upstream, `/servers/${server.id}/drain${queryOf({ force: true })}`);
    await client.send({ method: "POST", path, body: deadline === undefined ? {} : { deadline } });
  } else await changeServer(client, upstream, server.id, { drain: true });
  const next = isJob ? ", and is removed when it is idle" : "";
  print(`${clean(upstream)}: ${clean(server.server)} drains: it gets no new requests${next}`);
  if (wait !== undefined) await waitUntilDone({ client, upstream, server }, isJob, limit);
}

export function addDrain(program: Command): void {
  addVerb(
    program,
    "drain <upstream> <server>",
    "send a server no new requests, except of clients that are bound to it",
    "sluice drain app 10.0.0.3:8080 --wait          # then replace it, and `sluice up`",
    "sluice drain app 10.0.0.3:8080 --wait 60s",
    "sluice drain app 10.0.0.3:8080 --remove --deadline 10m",
  )
    .option("-w, --wait [time]", "show the requests in progress until there are none, or for this time")
    .option("--remove", "remove the server when it has no requests in progress")
    .option("--deadline <time>", "with --remove: remove it after this time in any case")
    .option("-y, --yes", "do not ask, even if no other server is up")
    .action(drain);
}

import type { Command } from "commander";
import { print } from "../output/terminal";
import { clean } from "../output/text";
import { changeServer, findServer, findStatus, guardLast } from "./servers";
import { addVerb, clientOf } from "./verb";

/** `down` and `up`: take a server out of service, and back. */

interface Options {
  yes?: boolean;
}

async function down(upstream: string, address: string, { yes }: Options, command: Command): Promise<void> {
  const client = clientOf(command);
  const { status, server } = await findStatus(client, upstream, address);
  await guardLast(upstream, status, server, "Take it out of service?", yes);
  await changeServer(client, upstream, server.id, { down: true });
  const active = server.active === 0 ? "" : `; ${server.active} requests in progress are finished`;
  print(`${clean(upstream)}: ${clean(server.server)} is down, and gets no new requests${active}`);
}

async function up(upstream: string, address: string, _options: Options, command: Command): Promise<void> {
  const client = clientOf(command);
  const server = await findServer(client, upstream, address);
  await changeServer(client, upstream, server.id, { down: false, drain: false });
  const { server: after } = await findStatus(client, upstream, address);
  const state = after.state === "up" ? "is up" : `is in service, but ${after.state}: ${after.reason}`;
  print(`${clean(upstream)}: ${clean(server.server)} ${clean(state)}`);
}

export function addSwitches(program: Command): void {
  addVerb(
    program,
    "down <upstream> <server>",
    "send a server no new requests",
    "sluice down app 10.0.0.3:8080",
  )
    .option("-y, --yes", "do not ask, even if no other server is up")
    .action(down);
  addVerb(
    program,
    "up <upstream> <server>",
    "return a server to service: ends `down`, `drain` and a drain job",
    "sluice up app 10.0.0.3:8080",
  ).action(up);
}

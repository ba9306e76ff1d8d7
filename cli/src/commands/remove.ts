import type { Command } from "commander";
import { serversPath } from "../api/paths";
import { isHostName } from "../model/address";
import { print } from "../output/terminal";
import { clean, count } from "../output/text";
import { findServer, findStatus, guardLast, othersUp } from "./servers";
import { addVerb, clientOf } from "./verb";

async function remove(
  upstream: string,
  address: string,
  { yes }: { yes?: boolean },
  command: Command,
): Promise<void> {
  const client = clientOf(command);
  if (isHostName(address)) {
    const { id, server: name } = await findServer(client, upstream, address);
    await client.send({ method: "DELETE", path: serversPath(upstream, id) });
    print(`${clean(upstream)}: removed ${clean(name)} and its addresses`);
    return;
  }
  const { status, server } = await findStatus(client, upstream, address);
  await guardLast(upstream, status, server, "Remove it?", yes);
  await client.send({ method: "DELETE", path: serversPath(upstream, server.id) });
  const left = `${count(status.servers.length - 1, "server")} left, ${othersUp(status, server)} up`;
  print(`${clean(upstream)}: removed ${clean(server.server)} (${left})`);
}

export function addRemove(program: Command): void {
  addVerb(
    program,
    "rm <upstream> <server>",
    "remove a server; its requests in progress are finished",
    "sluice rm app 10.0.0.3:8080",
    "sluice drain app 10.0.0.3:8080 --remove --wait   # without cutting sessions short",
  )
    .option("-y, --yes", "do not ask, even if no other server is up")
    .action(remove);
}

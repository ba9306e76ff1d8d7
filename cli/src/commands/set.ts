import type { Command } from "commander";
import { Failure } from "../failure";
import { fieldText } from "../output/difference";
import { print } from "../output/terminal";
import { clean } from "../output/text";
import { changesOf, parametersOf, withParameters, type ParameterOptions } from "./parameters";
import { changeServer, findServer } from "./servers";
import { addVerb, clientOf } from "./verb";

async function set(
  upstream: string,
  address: string,
  options: ParameterOptions,
  command: Command,
): Promise<void> {
  const { to, ...others } = options;
  const change = parametersOf(others, ["standby"]);
  if (typeof to === "string") change.server = to;
  if (Object.keys(change).length === 0)
    throw new Failure(
      "nothing to change: give an option, such as --weight 2 (`sluice set --help` lists them)",
    );
  const client = clientOf(command);
  const before = await findServer(client, upstream, address);
  const after = await changeServer(client, upstream, before.id, change);
  const changes = changesOf(before, after);
  const text = changes.length === 0 ? "nothing has changed" : changes.map(fieldText).join(", ");
  print(`${clean(upstream)}: ${clean(before.server)}: ${text}`);
}

export function addSet(program: Command): void {
  const verb = addVerb(
    program,
    "set <upstream> <server>",
    "change parameters of a server",
    "sluice set app 10.0.0.3:8080 --weight 5",
    "sluice set app 10.0.0.3:8080 --max-conns 100 --fail-timeout 30s",
  );
  withParameters(verb)
    .option("--standby", "make it a standby server")
    .option("--no-standby", "make it an ordinary server")
    .option("--to <server>", "give it another address")
    .action(set);
}

import type { Command } from "commander";
import { serversPath } from "../api/paths";
import { Refusal } from "../api/refusal";
import { Failure } from "../failure";
import type { Server } from "../model/answers";
import { print } from "../output/terminal";
import { clean, shown } from "../output/text";
import { parametersOf, withParameters, type ParameterOptions } from "./parameters";
import { asConfigured } from "./servers";
import { addVerb, clientOf } from "./verb";

const FLAGS = ["backup", "down", "drain", "standby", "resolve"] as const;

async function add(
  upstream: string,
  address: string,
  options: ParameterOptions,
  command: Command,
): Promise<void> {
  const client = clientOf(command);
  const parameters = parametersOf(options, FLAGS);
  if (options.service !== undefined) parameters.service = options.service;
  try {
    const body = { server: address, ...parameters };
    const { body: sent } = await client.send<Server>({ method: "POST", path: serversPath(upstream), body });
    const added = asConfigured(sent);
    const details = [
      `id ${added.id}`,
      ...Object.keys(parameters).map((name) => `${name} ${shown(added[name])}`),
    ];
    print(`${clean(upstream)}: added ${clean(added.server)} (${details.join(", ")})`);
  } catch (cause) {
    if (cause instanceof Refusal && cause.code === "UpstreamNotFound")
      throw new Failure(`there is no upstream "${upstream}": create it with \`sluice apply\``);
    throw cause;
  }
}

export function addAdd(program: Command): void {
  const verb = addVerb(
    program,
    "add <upstream> <server>",
    "add a server to an upstream",
    "sluice add app 10.0.0.3:8080",
    "sluice add app 10.0.0.4:8080 --weight 2 --slow-start 30s",
    "sluice add app unix:/run/app.sock --backup",
    "sluice add app app.internal:8080 --resolve",
    "sluice add app app.internal --service http --resolve",
  );
  withParameters(verb)
    .option("--resolve", "follow the addresses of a host name")
    .option("--service <name>", "with --resolve: service whose SRV records give addresses and ports")
    .option("--backup", "use it only while no primary server is available")
    .option("--down", "send it no requests yet")
    .option("--drain", "send it only requests of clients that are bound to it")
    .option("--standby", "send it no requests until autoscale brings it into service")
    .action(add);
}

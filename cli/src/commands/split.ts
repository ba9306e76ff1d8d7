import type { Command } from "commander";
import type { Client } from "../api/client";
import { upstreamPath } from "../api/paths";
import { Refusal } from "../api/refusal";
import { Failure } from "../failure";
import type { DetailedStatus, Split } from "../model/answers";
import { printData, type Format } from "../output/data";
import { membersText } from "../output/members";
import { print } from "../output/terminal";
import { clean } from "../output/text";
import { addVerb, clientOf, withFormat } from "./verb";

/** `split`: shows the members of a split, or gives them other weights. */

/** How often weights are set again because another change was made in between. */
const MOST_ATTEMPTS = 10;

/** Reads `<member>=<weight>`. */
function weightOf(argument: string): [member: string, weight: number] {
  const equals = argument.lastIndexOf("=");
  const text = argument.slice(equals + 1);
  if (equals < 1 || !/^\d+(\.\d+)?$/.test(text))
    throw new Failure(`"${argument}" is not <member>=<weight>, such as app-v2=0.5`);
  return [argument.slice(0, equals), Number(text)];
}

/** Returns the split with other weights. */
function weighed(upstream: string, split: Split, weights: Map<string, number>): Split {
  const names = split.members.map((member) => member.upstream);
  for (const name of weights.keys())
    if (!names.includes(name))
      throw new Failure(`"${name}" is no member of ${upstream}, whose members are ${names.join(", ")}`);
  const members = split.members.map((member) => ({
    ...member,
    weight: weights.get(member.upstream) ?? member.weight,
  }));
  return { ...split, members };
}

async function setWeights(client: Client, upstream: string, weights: Map<string, number>): Promise<void> {
  const path = upstreamPath(upstream);
  for (let attempt = 1; ; attempt += 1) {
    const { body, etag = "*" } = await client.send<{ split?: Split }>({ method: "GET", path });
    if (body.split === undefined) throw new Failure(`${clean(upstream)} is no split`);
    const split = weighed(upstream, body.split, weights);
    try {
      await client.send({ method: "PATCH", path, body: { split }, headers: { "If-Match": etag } });
      return;
    } catch (cause) {
      const isLost = cause instanceof Refusal && cause.status === 412;
      if (!isLost || attempt === MOST_ATTEMPTS) throw cause;
    }
  }
}

async function run(
  upstream: string,
  assignments: string[],
  { output }: { output: Format },
  command: Command,
): Promise<void> {
  const client = clientOf(command);
  const weights = new Map(assignments.map(weightOf));
  if (weights.size > 0) await setWeights(client, upstream, weights);
  const { split } = await client.get<DetailedStatus>(upstreamPath(upstream, "/status"));
  if (split === undefined) throw new Failure(`${clean(upstream)} is no split`);
  if (!printData(output, split)) print(membersText(split));
}

export function addSplit(program: Command): void {
  const verb = addVerb(
    program,
    "split <upstream> [weights...]",
    "show the members of a split, or give members other weights",
    "sluice split app",
    "sluice split app app-v1=90 app-v2=10",
    "sluice split app app-v2=0.01",
  );
  withFormat(verb).action(run);
}

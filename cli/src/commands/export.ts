import type { Command } from "commander";
import { queryOf, UPSTREAMS } from "../api/paths";
import { upstreamsYaml } from "../documents/yaml";
import { Failure } from "../failure";
import { parseFormat, type Format } from "../output/data";
import { note, print } from "../output/terminal";
import { addVerb, clientOf } from "./verb";

interface Exported {
  upstreams: Record<string, unknown>;
}

/** The text that stands for a secret. */
const HIDDEN = "***";

function hasHidden(value: unknown): boolean {
  if (value === HIDDEN) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(hasHidden);
}

/** Returns the upstreams with those names, or all. */
function chosen(upstreams: Record<string, unknown>, names: string[]): Record<string, unknown> {
  const missing = names.find((name) => !Object.hasOwn(upstreams, name));
  if (missing !== undefined)
    throw new Failure(`there is no upstream "${missing}": \`sluice get\` lists the upstreams`);
  const wanted = names.length === 0 ? Object.keys(upstreams).sort() : names;
  return Object.fromEntries(wanted.map((name) => [name, upstreams[name]]));
}

async function exportAll(names: string[], { output }: { output: Format }, command: Command): Promise<void> {
  const path = `${UPSTREAMS}${queryOf({ format: "export" })}`;
  const { upstreams: all } = await clientOf(command).get<Exported>(path);
  const upstreams = chosen(all, names);
  print(output === "json" ? JSON.stringify({ upstreams }, null, 2) : upstreamsYaml(upstreams));
  if (hasHidden(upstreams))
    note(
      'sluice: secrets are written as "***", which `apply` takes only for upstreams that have them already',
    );
}

export function addExport(program: Command): void {
  addVerb(
    program,
    "export [upstreams...]",
    "write the upstreams as a file for `apply`, without servers of registries",
    "sluice export > upstreams.yaml",
    "sluice export app shop -o json",
  )
    .option("-o, --output <format>", "yaml or json", parseFormat, "yaml")
    .action(exportAll);
}

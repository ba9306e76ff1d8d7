import { InvalidArgumentError, type Command } from "commander";
import { upstreamsYaml } from "../documents/yaml";
import { Failure, Status } from "../failure";
import { loadConfiguration } from "../nginx/load";
import type { Note } from "../nginx/notes";
import { importUpstreams } from "../nginx/upstreams";
import { note, print } from "../output/terminal";
import { clean, count } from "../output/text";
import { removeUnfit } from "./import_fit";
import { addVerb } from "./verb";

function parseFormat(text: string): "yaml" | "json" {
  if (text === "yaml" || text === "json") return text;
  throw new InvalidArgumentError("It must be yaml or json.");
}

function list(title: string, notes: Note[]): void {
  if (notes.length === 0) return;
  note(title);
  for (const { place, text } of notes) note(`  ${clean(place)}: ${clean(text)}`);
}

async function importFile(path: string, { output }: { output: "yaml" | "json" }): Promise<void> {
  const imported = importUpstreams(loadConfiguration(path));
  await removeUnfit(imported);
  const { notes } = imported;
  const upstreams = Object.fromEntries(imported.upstreams);
  const number = imported.upstreams.size;
  list("Imported in another form, or not needed:", notes.remarks);
  list("Not imported:", notes.missing);
  if (number === 0) throw new Failure(`${path}: there is no upstream block to import`);
  const comment = ` Made from ${path} by \`sluice import\`.`;
  print(output === "json" ? JSON.stringify({ upstreams }, null, 2) : upstreamsYaml(upstreams, comment));
  const result = `${count(number, "upstream")} imported`;
  note(
    notes.missing.length === 0
      ? result
      : `${result}; ${count(notes.missing.length, "line")} above not imported`,
  );
  if (notes.missing.length > 0) process.exitCode = Status.DIFFERENT;
}

export function addImport(program: Command): void {
  addVerb(
    program,
    "import <nginx.conf>",
    "turn the upstream blocks of nginx.conf into a file for `apply`; the exit status is 2 if something is left out",
    "sluice import /etc/nginx/nginx.conf > upstreams.yaml",
    "sluice import /etc/nginx/nginx.conf -o json",
  )
    .option("-o, --output <format>", "yaml or json", parseFormat, "yaml")
    .action(importFile);
}

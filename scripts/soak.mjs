/**
 * `npm run soak [-- <part of a file's name>]`: tests that take minutes, so that `npm test` does not include
 * them. `--minutes 5` shortens those that run for an hour, and `--write` puts their figures into docs/.
 */
import { parseArgs } from "node:util";
import { ensureServer, ensureTestTools } from "./setup.mjs";
import { runSoakSpecs } from "./test_node.mjs";
import { runParts } from "./test_parts.mjs";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: "string" }, write: { type: "boolean" } },
});
if (values.minutes !== undefined) process.env.SLUICE_SOAK_MINUTES = values.minutes;
if (values.write === true) process.env.SLUICE_SOAK_WRITE = "1";

ensureTestTools(["luajit"]);
ensureServer();
await runParts({ soak: runSoakSpecs }, positionals[0] ?? "");

/**
 * `npm run fuzz [-- <target>]`: fuzzes each target for a minute, or only one: `api`, or a file of
 * spec/fuzz/targets/. Options: `--seconds 600`, `--seed 1`, `--keep` adds interesting inputs to the corpus,
 * `--input <file>` runs one input of a target.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root, run, stop } from "./command.mjs";
import { ensureServer, ensureTestTools } from "./setup.mjs";
import { runSpecs } from "./test_node.mjs";
import { runParts } from "./test_parts.mjs";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string" },
    keep: { type: "boolean" },
    input: { type: "string" },
  },
});
const [target = ""] = positionals;
if (values.input !== undefined && (target === "" || target === "api"))
  stop("--input needs a target in spec/fuzz/targets/; --seed repeats a run of the API");
if (target !== "" && target !== "api" && !existsSync(join(root, "spec/fuzz/targets", `${target}.lua`)))
  stop(`there is no target ${target} in spec/fuzz/targets/`);

ensureTestTools(["luajit"]);
if (values.input !== undefined) {
  process.exitCode = run("luajit", ["spec/fuzz/main.lua", target, "0", "0", "input", values.input]) ? 0 : 1;
} else {
  process.env.SLUICE_FUZZ_TARGET = target;
  process.env.SLUICE_FUZZ_SECONDS = values.seconds;
  if (values.seed !== undefined) process.env.SLUICE_TEST_SEED = values.seed;
  if (values.keep === true) process.env.SLUICE_FUZZ_KEEP = "1";
  ensureServer();
  await runParts({ fuzz: (part) => runSpecs(["fuzz"], part) }, "");
}

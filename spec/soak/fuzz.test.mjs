/** Fuzzes all targets for an hour, in equal parts. `npm test` does it for seconds (spec/fuzz/). */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/command.mjs";

const targets = readdirSync(join(root, "spec/fuzz/targets")).length + 1;
process.env.SLUICE_FUZZ_SECONDS = String((Number(process.env.SLUICE_SOAK_MINUTES ?? 60) * 60) / targets);
await import("../fuzz/fuzz.test.mjs");

/** `npm test`: every test. `npm test -- unit|gateway|discovery|control|examples [part of a file's name]`: some of them. */
import { build } from "./build.mjs";
import { runGatewaySpecs, runWaitingSpecs } from "./test_gateway.mjs";
import { runUnitSpecs } from "./test_unit.mjs";
import { stop } from "./command.mjs";
import { ensureServer, ensureTestTools } from "./setup.mjs";

/**
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 */

/** @type {Record<string, (fileNamePart: string) => Counts | Promise<Counts>>} */
const parts = {
  unit: runUnitSpecs,
  gateway: runGatewaySpecs,
  discovery: (fileNamePart) => runWaitingSpecs(["spec/discovery"], fileNamePart),
  control: (fileNamePart) => runWaitingSpecs(["spec/control"], fileNamePart),
  examples: (fileNamePart) => runWaitingSpecs(["spec/examples"], fileNamePart),
};

/** What is run without a part's name: together those that wait take less time. */
const all = {
  unit: parts.unit,
  gateway: parts.gateway,
  "discovery and control": (fileNamePart) =>
    runWaitingSpecs(["spec/discovery", "spec/control"], fileNamePart),
  examples: parts.examples,
};

const [onlyPart, fileNamePart = ""] = process.argv.slice(2);
if (onlyPart !== undefined && !Object.hasOwn(parts, onlyPart)) {
  const names = Object.keys(parts).join("|");
  stop(`there are no ${onlyPart} tests: npm test [-- ${names} [part of a file's name]]`);
}
const wanted = onlyPart === undefined ? all : { [onlyPart]: parts[onlyPart] };

ensureTestTools();
ensureServer();
const total = { passed: 0, failed: 0, skipped: 0 };
if (!build()) {
  console.log("src/ does not compile: no test was run");
  total.failed += 1;
} else {
  for (const [name, runSpecs] of Object.entries(wanted)) {
    console.log(`== ${name} tests`);
    const counts = await runSpecs(fileNamePart);
    if (counts.passed + counts.failed === 0) {
      console.log(`no ${name} test was run`);
      counts.failed += 1;
    }
    for (const key of Object.keys(total)) total[key] += counts[key];
  }
}
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed === 0 ? 0 : 1;

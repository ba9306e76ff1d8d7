/** `npm test`: every test. `npm test -- <part> [part of a file's name]`: some of them. */
import { runGatewaySpecs, runWaitingSpecs } from "./test_gateway.mjs";
import { runContainerSpecs } from "./test_container.mjs";
import { runUnitSpecs } from "./test_unit.mjs";
import { stop } from "./command.mjs";
import { ensureServer, ensureTestTools } from "./setup.mjs";
import { runParts } from "./test_parts.mjs";

/** @type {Record<string, import("./test_parts.mjs").RunSpecs>} */
const parts = {
  unit: runUnitSpecs,
  gateway: runGatewaySpecs,
  discovery: (fileNamePart) => runWaitingSpecs(["spec/discovery"], fileNamePart),
  control: (fileNamePart) => runWaitingSpecs(["spec/control"], fileNamePart),
  container: runContainerSpecs,
};

/** What is run without a part's name: together those that wait take less time. */
const all = {
  unit: parts.unit,
  gateway: parts.gateway,
  "discovery and control": (fileNamePart) =>
    runWaitingSpecs(["spec/discovery", "spec/control"], fileNamePart),
  container: parts.container,
};

const [onlyPart, fileNamePart = ""] = process.argv.slice(2);
if (onlyPart !== undefined && !Object.hasOwn(parts, onlyPart)) {
  const names = Object.keys(parts).join("|");
  stop(`there are no ${onlyPart} tests: npm test [-- ${names} [part of a file's name]]`);
}
ensureTestTools();
ensureServer();
await runParts(onlyPart === undefined ? all : { [onlyPart]: parts[onlyPart] }, fileNamePart);

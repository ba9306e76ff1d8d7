/** `npm test`: every test. `npm test -- <part> [part of a file's name]`: some of them. */
import { runGatewaySpecs, runWaitingSpecs } from "./test_gateway.mjs";
import { runContainerSpecs } from "./test_container.mjs";
import { runUnitSpecs } from "./test_unit.mjs";
import { ensureServer, ensureTestTools } from "./setup.mjs";
import { chooseParts, runParts } from "./test_parts.mjs";

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

const [wanted, fileNamePart] = chooseParts("npm test", parts, all);
ensureTestTools();
ensureServer();
await runParts(wanted, fileNamePart);

/** `npm test`: every test. `npm test -- <part> [part of a file's name]`: some of them. */
import { runBusySpecs, runContainerSpecs, runGatewaySpecs, runWaitingSpecs } from "./test_node.mjs";
import { runUnitSpecs } from "./test_unit.mjs";
import { ensureServer, ensureTestTools } from "./setup.mjs";
import { chooseParts, runParts } from "./test_parts.mjs";

/** Those whose specs wait most of their time, each in a folder of its name. */
const waiting = ["discovery", "control", "packages", "examples", "docs"];

/** @type {Record<string, import("./test_parts.mjs").RunSpecs>} */
const parts = {
  unit: runUnitSpecs,
  gateway: runGatewaySpecs,
  ...Object.fromEntries(
    waiting.map((name) => [name, (fileNamePart) => runWaitingSpecs([name], fileNamePart)]),
  ),
  container: runContainerSpecs,
};

/** What is run without a part's name: together those that wait take less time. */
const all = {
  unit: parts.unit,
  gateway: runBusySpecs,
  [`${waiting.join(", ")}, more gateway`]: (fileNamePart) =>
    runWaitingSpecs([...waiting, "gateway"], fileNamePart),
  container: parts.container,
};

const [wanted, fileNamePart] = chooseParts("npm test", parts, all);
ensureTestTools();
ensureServer();
await runParts(wanted, fileNamePart);

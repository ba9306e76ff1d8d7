/** `npm test`: every test. `npm test -- <part> [part of a file's name]`: some of them. */
import { runContainerSpecs, runSpecs } from "./test_node.mjs";
import { runUnitSpecs } from "./test_unit.mjs";
import { ensureServer, ensureTestTools } from "./setup.mjs";
import { chooseParts, runParts } from "./test_parts.mjs";

/** Folders of spec/ whose files need a server. */
const folders = [
  "gateway",
  "discovery",
  "control",
  "packages",
  "examples",
  "monitoring",
  "docs",
  "dashboard",
  "cli",
  "fuzz",
];

/** @type {Record<string, import("./test_parts.mjs").RunSpecs>} */
const parts = {
  unit: runUnitSpecs,
  simulation: (fileNamePart) => runSpecs(["simulation"], fileNamePart),
  ...Object.fromEntries(folders.map((name) => [name, (fileNamePart) => runSpecs([name], fileNamePart)])),
  container: runContainerSpecs,
};

/** The parts of a run without arguments. Running all folders together takes less time. */
const all = {
  unit: parts.unit,
  simulation: parts.simulation,
  [folders.join(", ")]: (fileNamePart) => runSpecs(folders, fileNamePart),
  container: parts.container,
};

const [wanted, fileNamePart] = chooseParts("npm test", parts, all);
// The unit specs and the simulation need neither a server nor dist/.
const needsServer = Object.keys(wanted).some((name) => name !== "unit" && name !== "simulation");
if (needsServer) {
  ensureTestTools();
  ensureServer();
}
await runParts(wanted, fileNamePart, needsServer);

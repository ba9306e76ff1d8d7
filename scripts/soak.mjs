/**
 * `npm run soak [-- <part of a file's name>]`: tests that take minutes, so that `npm test` does not include
 * them.
 */
import { ensureServer } from "./setup.mjs";
import { runSoakSpecs } from "./test_node.mjs";
import { runParts } from "./test_parts.mjs";

const [fileNamePart = ""] = process.argv.slice(2);

ensureServer();
await runParts({ soak: runSoakSpecs }, fileNamePart);

/** `npm run soak`: what takes minutes, so that it is no part of `npm test`. `npm run soak -- <part of a file's name>`: some. */
import { ensureServer } from "./setup.mjs";
import { runSoakSpecs } from "./test_node.mjs";
import { runParts } from "./test_parts.mjs";

const [fileNamePart = ""] = process.argv.slice(2);

ensureServer();
await runParts({ soak: runSoakSpecs }, fileNamePart);

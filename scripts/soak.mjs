/** `npm run soak`: what takes minutes, so that it is no part of `npm test`. `npm run soak -- <part of a file's name>`: some. */
import { build } from "./build.mjs";
import { stop } from "./command.mjs";
import { ensureServer } from "./setup.mjs";
import { runNodeSpecs } from "./test_gateway.mjs";

const [fileNamePart = ""] = process.argv.slice(2);

ensureServer();
if (!build()) stop("src/ does not compile: no test was run");
const { passed, failed, skipped } = runNodeSpecs(["spec/soak"], fileNamePart);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

/**
 * `npm run test:docker`: runs the specs of the image, then the specs of the gateway, with each gateway in a
 * container of that image. `npm run test:docker -- <part> [part of a file's name]` runs some of the specs.
 *
 * The base image is OPENRESTY_IMAGE or the base image of the Dockerfile. If the engine does not have that
 * image, this script builds a base image with Debian's nginx at the paths of OpenResty.
 */
import { ensureBaseImage } from "./docker/base_image.mjs";
import { ensureCompose } from "./docker/compose.mjs";
import { ensureEngine } from "./docker/engine.mjs";
import { baseImage } from "./docker/images.mjs";
import { ensureServer, ensureTestTools } from "./setup.mjs";
import { runContainerSpecs, runSpecs } from "./test_node.mjs";
import { chooseParts, runParts } from "./test_parts.mjs";

/** @param {string} fileNamePart */
function runGatewaysInContainers(fileNamePart) {
  process.env.SLUICE_TEST_DRIVER = "container";
  return runSpecs(["gateway"], fileNamePart);
}

const parts = { container: runContainerSpecs, gateway: runGatewaysInContainers };

const [wanted, fileNamePart] = chooseParts("npm run test:docker", parts);
ensureTestTools();
ensureServer();
await ensureEngine();
ensureCompose();
if (baseImage() === undefined) ensureBaseImage();
console.log(`Testing in ${baseImage()}`);
await runParts(wanted, fileNamePart);

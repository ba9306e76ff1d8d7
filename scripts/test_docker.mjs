/**
 * `npm run test:docker`: the specs of the image, then those of the gateway, with each gateway in a container
 * of that image. `npm run test:docker -- <part> [part of a file's name]`: some of them.
 *
 * The image is made from OPENRESTY_IMAGE or the image that the Dockerfile names, if the engine has it; else
 * from one with Debian's nginx in OpenResty's place, made here.
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

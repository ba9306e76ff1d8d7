/**
 * `npm run test:docker`: runs the specs of the image, then specs of the gateway, with each gateway in a
 * container of that image. `npm run test:docker -- <part> [part of a file's name]` runs some of the specs:
 * `container` those of the image, `gateway` all of the gateway, `platform` those of the gateway that concern
 * what is below Sluice.
 *
 * The base image is OPENRESTY_IMAGE or the base image of the Dockerfile. If the engine does not have that
 * image, this script builds a base image with Debian's nginx at the paths of OpenResty.
 */
import { BASE_IMAGE, ensureBaseImage } from "./docker/base_image.mjs";
import { ensureCompose } from "./docker/compose.mjs";
import { ensureEngine } from "./docker/engine.mjs";
import { baseImage } from "./docker/images.mjs";
import { isPlatformSpec } from "./docker/platform_specs.mjs";
import { ensureServer, ensureTestTools } from "./setup.mjs";
import { runContainerSpecs, runSpecs } from "./test_node.mjs";
import { chooseParts, runParts } from "./test_parts.mjs";

/**
 * Runs specs of the gateway with each gateway in a container.
 * @param {string} fileNamePart
 * @param {(path: string) => boolean} [isWanted]
 */
function runGatewaysInContainers(fileNamePart, isWanted) {
  process.env.SLUICE_TEST_DRIVER = "container";
  return runSpecs(["gateway"], fileNamePart, isWanted);
}

const parts = {
  container: runContainerSpecs,
  gateway: (/** @type {string} */ part) => runGatewaysInContainers(part),
  platform: (/** @type {string} */ part) => runGatewaysInContainers(part, isPlatformSpec),
};

/**
 * Without arguments, all specs of the gateway run if the base image may have another nginx than this machine,
 * with which `npm test` runs them.
 */
const all = {
  container: parts.container,
  gateway: (/** @type {string} */ part) =>
    baseImage() === BASE_IMAGE ? parts.platform(part) : parts.gateway(part),
};

const [wanted, fileNamePart] = chooseParts("npm run test:docker", parts, all);
ensureTestTools();
ensureServer();
await ensureEngine();
ensureCompose();
if (baseImage() === undefined) ensureBaseImage();
console.log(`Testing in ${baseImage()}`);
await runParts(wanted, fileNamePart);

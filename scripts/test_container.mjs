/** The specs of the image: they run where a Docker engine answers, and are reported as skipped where none does. */
import { baseImage, buildImages } from "./docker/images.mjs";
import { engineProblem } from "./docker/engine.mjs";
import { runNodeSpecs } from "./test_gateway.mjs";

/**
 * Builds the images anew, of the dist/ that is there, if it can.
 * @param {string} fileNamePart
 * @returns {import("./test_parts.mjs").Counts}
 */
export function runContainerSpecs(fileNamePart) {
  const base = engineProblem() === undefined ? baseImage() : undefined;
  if (base !== undefined) buildImages(base);
  return runNodeSpecs(["spec/container"], fileNamePart);
}

/** The specs of the image: they run where a Docker engine answers, and are reported as skipped where none does. */
import { buildImages } from "./docker/images.mjs";
import { runNodeSpecs } from "./test_gateway.mjs";

/**
 * @param {string} fileNamePart
 * @returns {import("./test_parts.mjs").Counts}
 */
export function runContainerSpecs(fileNamePart) {
  buildImages();
  return runNodeSpecs(["container"], fileNamePart);
}

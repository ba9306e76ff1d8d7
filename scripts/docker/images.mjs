/** Builds the images of the tests from one base image: the gateway, the demo application and an etcd. */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram, root, stop } from "../command.mjs";
import { temporaryFolder } from "../files.mjs";
import { BASE_IMAGE } from "./base_image.mjs";
import { docker, engineProblem, hasImage } from "./engine.mjs";

/** The base image that the Dockerfile names. */
const [, OFFICIAL_IMAGE] = /^ARG OPENRESTY_IMAGE=(\S+)$/m.exec(
  readFileSync(join(root, "Dockerfile"), "utf8"),
);

export const GATEWAY_IMAGE = "sluice-test-gateway";
export const APP_IMAGE = "sluice-test-app";
export const ETCD_IMAGE = "sluice-test-etcd";

/**
 * Returns the base image: OPENRESTY_IMAGE, which is pulled if the engine does not have it, or an image that
 * the engine has.
 * @returns {string | undefined}
 */
export function baseImage() {
  const wanted = process.env.OPENRESTY_IMAGE;
  if (wanted === undefined) return [OFFICIAL_IMAGE, BASE_IMAGE].find(hasImage);
  if (!hasImage(wanted)) docker("pull", "--quiet", wanted);
  return wanted;
}

/** Returns the reason why no test can run in a container; undefined if the images are there. */
export function imageProblem() {
  const problem = engineProblem();
  if (problem !== undefined) return problem;
  if (baseImage() !== undefined) return undefined;
  return "the Docker engine has no image of OpenResty; npm run test:docker builds a replacement";
}

/**
 * Rebuilds all images with the present dist/, unless imageProblem() returns a reason why that is impossible.
 */
export function buildImages() {
  if (imageProblem() !== undefined) return;
  const base = baseImage();
  const from = ["--build-arg", `OPENRESTY_IMAGE=${base}`];
  // dist/ is built already, so the build stage needs no Node and can use any image.
  const prebuilt = ["--build-arg", `NODE_IMAGE=${base}`, "--build-arg", "DIST=prebuilt"];
  docker("build", "--quiet", "--tag", GATEWAY_IMAGE, ...from, ...prebuilt, root);
  docker("build", "--quiet", "--tag", APP_IMAGE, ...from, join(root, "docker/app"));
  buildEtcd(base);
}

/** Builds an image with this machine's etcd, which needs only a C library. @param {string} base */
function buildEtcd(base) {
  const etcd = findProgram("etcd") ?? stop("The tests need etcd");
  const folder = temporaryFolder("etcd-image");
  copyFileSync(etcd, join(folder, "etcd"));
  writeFileSync(join(folder, "Dockerfile"), `FROM ${base}\nCOPY etcd /usr/local/bin/etcd\n`);
  docker("build", "--quiet", "--tag", ETCD_IMAGE, folder);
}

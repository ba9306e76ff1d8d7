/** The images that the tests run: the gateway's, the demo application's, and an etcd, all from one base image. */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram, root, stop } from "../command.mjs";
import { temporaryFolder } from "../files.mjs";
import { BASE_IMAGE } from "./base_image.mjs";
import { docker, engineProblem, hasImage } from "./engine.mjs";

/** What the Dockerfile is made for. */
const [, OFFICIAL_IMAGE] = /^ARG OPENRESTY_IMAGE=(\S+)$/m.exec(
  readFileSync(join(root, "Dockerfile"), "utf8"),
);

export const GATEWAY_IMAGE = "sluice-test-gateway";
export const APP_IMAGE = "sluice-test-app";
export const ETCD_IMAGE = "sluice-test-etcd";

/**
 * The image that the others are made from: OPENRESTY_IMAGE, or what the engine has. Nothing is pulled.
 * @returns {string | undefined}
 */
export function baseImage() {
  const wanted = process.env.OPENRESTY_IMAGE;
  if (wanted === undefined) return [OFFICIAL_IMAGE, BASE_IMAGE].find(hasImage);
  return hasImage(wanted) ? wanted : stop(`OPENRESTY_IMAGE=${wanted}: the Docker engine has no such image`);
}

/** Why no test can run in a container; undefined: the images are there. */
export function imageProblem() {
  const problem = engineProblem();
  if (problem !== undefined) return problem;
  if (baseImage() !== undefined) return undefined;
  return "the Docker engine has no image of OpenResty: npm run test:docker makes one that stands in its place";
}

/** Builds all of them anew, with the dist/ that is there, unless imageProblem() says why that cannot be. */
export function buildImages() {
  if (imageProblem() !== undefined) return;
  const base = baseImage();
  const from = ["--build-arg", `OPENRESTY_IMAGE=${base}`];
  // What is built here already needs no npm, so any image serves as the one that would build it.
  const prebuilt = ["--build-arg", `NODE_IMAGE=${base}`, "--build-arg", "DIST=prebuilt"];
  docker("build", "--quiet", "--tag", GATEWAY_IMAGE, ...from, ...prebuilt, root);
  docker("build", "--quiet", "--tag", APP_IMAGE, ...from, join(root, "docker/app"));
  buildEtcd(base);
}

/** Of this machine's etcd, which needs no more than a C library. @param {string} base */
function buildEtcd(base) {
  const etcd = findProgram("etcd") ?? stop("The tests need etcd");
  const folder = temporaryFolder("etcd-image");
  copyFileSync(etcd, join(folder, "etcd"));
  writeFileSync(join(folder, "Dockerfile"), `FROM ${base}\nCOPY etcd /usr/local/bin/etcd\n`);
  docker("build", "--quiet", "--tag", ETCD_IMAGE, folder);
}

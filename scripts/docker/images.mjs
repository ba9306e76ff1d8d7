/** The images that the tests run: the gateway's, the demo application's, and an etcd, all from one base image. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram, root, stop } from "../command.mjs";
import { BASE_IMAGE } from "./base_image.mjs";
import { docker, engineProblem, hasImage } from "./engine.mjs";

/** What the Dockerfile is made for. */
const OFFICIAL_IMAGE = "openresty/openresty:1.29.2.4-1-bookworm";

export const GATEWAY_IMAGE = "sluice-test-gateway";
export const APP_IMAGE = "sluice-test-app";
export const ETCD_IMAGE = "sluice-test-etcd";

/**
 * The image that the others are made from: OPENRESTY_IMAGE, or what the engine has. Nothing is pulled.
 * @returns {string | undefined}
 */
export function baseImage() {
  return [process.env.OPENRESTY_IMAGE, OFFICIAL_IMAGE, BASE_IMAGE].find(
    (name) => name !== undefined && hasImage(name),
  );
}

/** Why no test can run in a container; undefined: the images are there. */
export function imageProblem() {
  const problem = engineProblem();
  if (problem !== undefined) return problem;
  if (hasImage(GATEWAY_IMAGE)) return undefined;
  return `the Docker engine has no image of OpenResty: npm run test:docker makes one that stands in its place`;
}

/** Builds all of them anew, with the dist/ that is there, where there is an engine with an image to make them from. */
export function buildImages() {
  const base = engineProblem() === undefined ? baseImage() : undefined;
  if (base === undefined) return;
  const from = ["--build-arg", `OPENRESTY_IMAGE=${base}`];
  // npm is not needed in the image, so any image serves as the one that would build.
  const prebuilt = ["--build-arg", `NODE_IMAGE=${base}`, "--build-arg", "DIST=prebuilt"];
  docker("build", "--quiet", "--tag", GATEWAY_IMAGE, ...from, ...prebuilt, root);
  docker("build", "--quiet", "--tag", APP_IMAGE, ...from, join(root, "docker/app"));
  buildEtcd(base);
}

/** Of this machine's etcd, which needs no more than a C library. @param {string} base */
function buildEtcd(base) {
  const etcd = findProgram("etcd") ?? stop("The tests need etcd");
  const folder = mkdtempSync(join(tmpdir(), "sluice-etcd-image-"));
  try {
    copyFileSync(etcd, join(folder, "etcd"));
    writeFileSync(join(folder, "Dockerfile"), `FROM ${base}\nCOPY etcd /usr/local/bin/etcd\n`);
    docker("build", "--quiet", "--tag", ETCD_IMAGE, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

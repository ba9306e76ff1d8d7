/**
 * Builds the base image of the tests where OpenResty's image cannot be pulled: Debian 12 with Debian's nginx
 * and lua-nginx-module at the paths of an OpenResty image.
 */
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { findProgram, root, runQuietly, stop } from "../command.mjs";
import { installPackages } from "../debian.mjs";
import { temporaryFolder } from "../files.mjs";
import { docker, hasImage } from "./engine.mjs";

/** The packages that Sluice needs, and systemd for its example. */
const packages = ["nginx", "libnginx-mod-http-lua", "lua-cjson", "luajit2", "systemd"];

/** Folders that no test needs. Without them the image is a third as large. */
const ballast = ["usr/share/doc", "usr/share/locale", "usr/share/man", "var/cache/apt", "var/lib/apt/lists"];

/** OpenResty's paths, and the files of Debian that they lead to. */
const links = {
  "usr/local/openresty/site/lualib": "/usr/share/lua/5.1",
  "usr/local/openresty/luajit/bin/luajit": "/usr/bin/luajit",
  "usr/bin/openresty": "/usr/local/openresty/bin/openresty",
};

const program = join(root, "scripts/docker/openresty.sh");

/** The tag depends on the content of the image. */
const made = createHash("sha256").update(packages.join()).update(readFileSync(program)).digest("hex");
export const BASE_IMAGE = `debian12-nginx-in-openresty-paths:${made.slice(0, 12)}`;

/** Builds the image, unless the engine has it. */
export function ensureBaseImage() {
  if (hasImage(BASE_IMAGE)) return;
  if (findProgram("debootstrap") === undefined)
    installPackages(["debootstrap"], "The base image needs debootstrap");
  console.log(`Building the image ${BASE_IMAGE}`);
  const folder = temporaryFolder("base-image");
  bootstrap(folder);
  for (const path of ballast) rmSync(join(folder, path), { recursive: true });
  addOpenRestyPaths(folder);
  importImage(folder);
}

/** @param {string} folder */
function bootstrap(folder) {
  const options = ["--variant=minbase", `--include=${packages.join(",")}`];
  const { ok, output } = runQuietly("debootstrap", [...options, "bookworm", folder, mirror()]);
  if (!ok) stop(`${output.trim().split("\n").slice(-3).join("\n")}\ndebootstrap failed`);
}

/** Returns the address from which this machine gets Debian's packages. */
function mirror() {
  const wanted = ["Identifier: Packages", "Codename: bookworm", "Component: main"];
  const { output } = runQuietly("apt-get", ["indextargets", "--format", "$(REPO_URI)", ...wanted]);
  const [first] = output.trim().split("\n");
  return (
    first ||
    stop(
      "The base image needs Debian 12's packages, but apt-get knows no source for them. Run apt-get update",
    )
  );
}

/** @param {string} folder */
function addOpenRestyPaths(folder) {
  const openresty = join(folder, "usr/local/openresty/bin/openresty");
  for (const path of ["usr/local/openresty/nginx/conf", "usr/local/openresty/bin"])
    mkdirSync(join(folder, path), { recursive: true });
  copyFileSync(program, openresty);
  for (const [path, target] of Object.entries(links)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    symlinkSync(target, join(folder, path));
  }
}

/** @param {string} folder */
function importImage(folder) {
  const archive = join(temporaryFolder("base-archive"), "image.tar");
  const { ok, output } = runQuietly("tar", ["-C", folder, "-cf", archive, "."]);
  if (!ok) stop(`${output.trim()}\ncould not pack the base image`);
  docker("import", archive, BASE_IMAGE);
}

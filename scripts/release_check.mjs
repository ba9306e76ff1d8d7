/**
 * `npm run release:check`: checks that package.json, the rockspec, dist.ini and the sources describe the same
 * release, and that npm, LuaRocks and OPM would install all of dist/ and nothing else. With `-- --tag <tag>`
 * it also fails if something is missing for an upload of the release with that tag.
 */
import { existsSync, readFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { parseArgs } from "node:util";
import { isMain, root, run, stop } from "./command.mjs";
import { filesBelow } from "./files.mjs";
import { installedByLuarocks, packedByNpm, readIni, readRockspec, versionByOpm } from "./release.mjs";
import { ensureNodeModules, ensureTestTools } from "./setup.mjs";

/** The files of the npm package outside its folders. */
const documents = ["CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "package.json"];

/** The folders of the npm package besides dist/. README links to the last two. */
const folders = ["bin", "declarations", "docs", "examples"];

/** The keys that opm requires, except `repo_link`, and the optional keys that this project may use. */
const opmMandatory = ["name", "abstract", "author", "is_original", "license"];
const opmOptional = ["version", "requires", "repo_link", "lib_dir", "main_module", "doc_dir"];

/** Pre-releases are excluded, because LuaRocks and OPM cannot express them. */
const releasePattern = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/;

/** @typedef {[place: string, value: string | undefined]} Statement */

/**
 * Returns one line for each statement that differs from the first.
 * @param {string} what
 * @param {Statement[]} statements
 * @returns {string[]}
 */
function differences(what, [[firstPlace, first], ...others]) {
  const shown = (value) => (value === undefined ? "nothing" : `"${value}"`);
  return others
    .filter(([, value]) => value !== first)
    .map(([place, value]) => `${what}: ${firstPlace} says ${shown(first)}, ${place} says ${shown(value)}`);
}

/**
 * Returns one line for each file that is in only one of two lists.
 * @param {[place: string, files: string[]]} one
 * @param {[place: string, files: string[]]} other
 * @returns {string[]}
 */
function fileDifferences([onePlace, ones], [otherPlace, others]) {
  const missing = ones.filter((file) => !others.includes(file));
  const extra = others.filter((file) => !ones.includes(file));
  return [
    ...missing.map((file) => `${file}: is in ${onePlace}, but not in ${otherPlace}`),
    ...extra.map((file) => `${file}: is in ${otherPlace}, but not in ${onePlace}`),
  ];
}

/**
 * @param {string} folder the repository, or a copy of it
 * @param {string} path
 */
const read = (folder, path) => readFileSync(join(folder, path), "utf8");

/**
 * Compares names, versions, licenses and descriptions of the package.
 * @param {string} folder the repository, or a copy of it
 * @returns {string[]} one line per problem
 */
export function statementProblems(folder) {
  const npm = JSON.parse(read(folder, "package.json"));
  const lock = JSON.parse(read(folder, "package-lock.json"));
  const rockspec = readRockspec(folder);
  const opm = readIni(join(folder, "dist.ini"));
  const mainModule = opm.keys.get("main_module") ?? "";
  const [, rockVersion, rockRevision] = /^(.*)-(\d+)$/.exec(rockspec.version) ?? [];
  const source = "src/resty/sluice/lib/version.ts";
  const readme = read(folder, "README.md");
  const setup = "docs/reference/setup.md";
  const imageOf = (path) => /openresty\/openresty:[\w.-]+/.exec(read(folder, path))?.[0];

  const problems = opm.problems.map((problem) => `dist.ini: ${problem}`);
  for (const key of opmMandatory.filter((key) => (opm.keys.get(key) ?? "") === ""))
    problems.push(`dist.ini: has no "${key}", which opm requires`);
  for (const key of [...opm.keys.keys()].filter((key) => ![...opmMandatory, ...opmOptional].includes(key)))
    problems.push(`dist.ini: unknown key "${key}"`);
  if (rockRevision === undefined)
    problems.push(
      `${rockspec.file}: the version "${rockspec.version}" does not end in a revision such as "-1"`,
    );
  if (!releasePattern.test(npm.version))
    problems.push(`package.json: the version "${npm.version}" is not <major>.<minor>.<patch>`);
  if (!existsSync(join(folder, mainModule)) || mainModule === "")
    return [...problems, `dist.ini: main_module "${mainModule}" does not exist`];

  return [
    ...problems,
    ...differences("the name", [
      ["package.json", npm.name],
      ["package-lock.json", lock.name],
      [rockspec.file, rockspec.package],
      ["dist.ini", opm.keys.get("name")],
    ]),
    ...differences("the version", [
      ["package.json", npm.version],
      ["package-lock.json", lock.version],
      ["package-lock.json's own package", lock.packages[""].version],
      [rockspec.file, rockVersion],
      ["dist.ini", opm.keys.get("version")],
      [source, /^export const VERSION = "(.*)";$/m.exec(read(folder, source))?.[1]],
      [mainModule, versionByOpm(read(folder, mainModule))],
      ["CHANGELOG.md's first heading", /^## (\S+)/m.exec(read(folder, "CHANGELOG.md"))?.[1]],
      ["README.md", /^This is version (\S+)\. /m.exec(readme)?.[1]],
      ...[...read(folder, setup).matchAll(/lua-resty-sluice-(\S+)\.tgz/g)].map(([, version]) => [
        `${setup}'s tarball`,
        version,
      ]),
    ]),
    ...differences("the base image", [
      ["Dockerfile", imageOf("Dockerfile")],
      ["docker/app/Dockerfile", imageOf("docker/app/Dockerfile")],
      ["docker-compose.yml", imageOf("docker-compose.yml")],
      [setup, imageOf(setup)],
    ]),
    ...differences("the oldest OpenResty", [
      ["dist.ini", /^openresty >= (\S+)$/.exec(opm.keys.get("requires") ?? "")?.[1]],
      ["README.md", /written for OpenResty (\S+) and later/.exec(readme)?.[1]],
    ]),
    ...differences("the rockspec's file", [
      [`${rockspec.file} itself`, `${rockspec.package}-${rockspec.version}.rockspec`],
      ["its name", rockspec.file],
    ]),
    ...differences("the description", [
      ["package.json", npm.description],
      [rockspec.file, rockspec.description.summary],
      ["dist.ini", opm.keys.get("abstract")],
    ]),
    ...differences("the license", [
      ["package.json", npm.license],
      [rockspec.file, rockspec.description.license],
      ["dist.ini", opm.keys.get("license")?.toUpperCase()],
      ["LICENSE", /^(\S+) License$/m.exec(read(folder, "LICENSE"))?.[1]],
    ]),
  ];
}

/**
 * Compares dist/, bin/, declarations/ and the documents with the content of each package.
 * @param {string} folder the repository, or a copy of it, with dist/ built
 * @param {{ packedByNpm: typeof packedByNpm, installedByLuarocks: typeof installedByLuarocks }} [tools] the
 *   calls of npm and LuaRocks, which take seconds
 * @returns {string[]} one line per problem
 */
export function fileProblems(folder, tools = { packedByNpm, installedByLuarocks }) {
  // An example that was started by hand has a folder .sluice.
  const below = (name) =>
    filesBelow(join(folder, name), (entry) => entry !== ".sluice").map((path) => relative(folder, path));
  const dist = below("dist");
  const rockspec = readRockspec(folder);
  const opm = readIni(join(folder, "dist.ini"));
  const libDir = opm.keys.get("lib_dir") ?? "lib";
  const packed = tools.packedByNpm(folder);
  const types = JSON.parse(read(folder, "package.json")).types;
  const rocks = tools.installedByLuarocks(folder, rockspec.file).map((path) => join("dist", path));
  const opmFiles = existsSync(join(folder, libDir)) ? below(libDir) : [];

  return [
    ...fileDifferences(
      ["dist/, bin/, declarations/ and the documents", [...dist, ...folders.flatMap(below), ...documents]],
      ["what npm pack writes by package.json", packed.files],
    ),
    ...fileDifferences(["dist/", dist], [`what luarocks make installs by ${rockspec.file}`, rocks]),
    ...fileDifferences(
      ["dist/", dist],
      [
        `what opm installs by dist.ini, the .lua files of "${libDir}"`,
        opmFiles.filter((path) => path.endsWith(".lua")),
      ],
    ),
    ...(packed.files.includes(types)
      ? []
      : [`package.json: "types" is "${types}", which npm pack leaves out`]),
    ...differences("the tarball", [
      ["npm pack", packed.filename],
      [`${rockspec.file}'s source.url`, basename(rockspec.source.url)],
    ]),
  ];
}

/**
 * Returns what is missing for an upload to OPM and LuaRocks.
 * @param {string} folder
 * @returns {string[]} one line per field
 */
export function missingForUpload(folder) {
  const { file, source } = readRockspec(folder);
  return [
    ...(/^## .*unreleased$/m.test(read(folder, "CHANGELOG.md"))
      ? ["CHANGELOG.md: the date of the release"]
      : []),
    ...(readIni(join(folder, "dist.ini")).keys.has("repo_link") ? [] : ["dist.ini: repo_link, for OPM"]),
    ...(source.url.startsWith("file:")
      ? [`${file}: a source.url that is not "${source.url}", for LuaRocks`]
      : []),
  ];
}

if (isMain(import.meta.url)) {
  const { tag } = parseArgs({ options: { tag: { type: "string" } } }).values;
  ensureNodeModules();
  ensureTestTools(["luajit", "cjson", "luarocks"]);
  // Builds dist/ as npm does before it packs.
  if (!run("npm", ["run", "--silent", "prepack"])) stop("release:check: npm run prepack failed");
  try {
    const problems = [...statementProblems(root), ...fileProblems(root)];
    const missing = missingForUpload(root);
    for (const field of missing) console.log(`still missing for an upload: ${field}`);
    const { version } = JSON.parse(read(root, "package.json"));
    if (tag !== undefined && tag !== `v${version}`)
      problems.push(`the tag is "${tag}", but package.json says "${version}"`);
    for (const problem of problems) console.error(problem);
    if (problems.length > 0 || (tag !== undefined && missing.length > 0)) stop("release:check: failed");
    console.log("release:check: names, versions and files agree");
  } catch (failure) {
    stop(`release:check: ${failure.message}`);
  }
}

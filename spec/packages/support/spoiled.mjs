/** Ways to spoil a release, with the lines that `npm run release:check` must print for each. */
import assert from "node:assert/strict";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../../scripts/command.mjs";
import { released, version } from "./installed.mjs";

export const rockspec = released.find((name) => name.endsWith(".rockspec"));
/** The only two files of dist/ in the copies. */
const mainLua = "dist/resty/sluice.lua";
const versionLua = "dist/resty/sluice/lib/version.lua";
const versionTs = "src/resty/sluice/lib/version.ts";

const [baseImage] = /openresty\/openresty:[\w.-]+/.exec(readFileSync(join(root, "Dockerfile"), "utf8"));

/** The files of a spoiled copy. The list is short, so that copying is cheap. */
export const spoilable = [...released.filter((name) => name !== "dist"), mainLua, versionLua, versionTs];

/**
 * Replaces the first occurrence of `from` in a file of a copy. Fails if there is none.
 * @param {string} file
 * @param {string} from
 * @param {string} to
 * @returns {(folder: string) => void}
 */
export const replace = (file, from, to) => (folder) => {
  const text = readFileSync(join(folder, file), "utf8");
  assert.ok(text.includes(from), `${file} has ${from}`);
  writeFileSync(
    join(folder, file),
    text.replace(from, () => to),
  );
};

/**
 * @typedef {[what: string, spoil: (folder: string) => void, lines: (string | RegExp)[]]} Spoiled the change
 *   in words, the change itself, and the lines that report it
 */

/** Changes of files that describe the release. @type {Spoiled[]} */
export const spoiledStatements = [
  ["nothing", () => {}, []],
  [
    "the name in package-lock.json",
    replace("package-lock.json", "lua-resty-sluice", "sluice"),
    ['the name: package.json says "lua-resty-sluice", package-lock.json says "sluice"'],
  ],
  [
    "the name in the rockspec",
    replace(rockspec, 'package = "lua-resty-sluice"', 'package = "sluice"'),
    [
      `the name: package.json says "lua-resty-sluice", ${rockspec} says "sluice"`,
      `the rockspec's file: ${rockspec} itself says "sluice-${version}-1.rockspec", its name says "${rockspec}"`,
    ],
  ],
  [
    "the name in dist.ini",
    replace("dist.ini", "name = lua-resty-sluice", "name = sluice"),
    ['the name: package.json says "lua-resty-sluice", dist.ini says "sluice"'],
  ],
  [
    "the version in dist.ini",
    replace("dist.ini", `version = ${version}`, "version = 9.9.9"),
    [`the version: package.json says "${version}", dist.ini says "9.9.9"`],
  ],
  [
    "the version in the sources",
    replace(versionTs, version, "9.9.9"),
    [`the version: package.json says "${version}", ${versionTs} says "9.9.9"`],
  ],
  [
    "the version in dist/",
    replace(versionLua, version, "9.9.9"),
    [`the version: package.json says "${version}", ${versionLua} says "9.9.9"`],
  ],
  [
    "the version in CHANGELOG.md",
    replace("CHANGELOG.md", `## ${version}`, `## 9.9.9 - unreleased\n\n## ${version}`),
    [`the version: package.json says "${version}", CHANGELOG.md's first heading says "9.9.9"`],
  ],
  [
    "the version in README.md",
    replace("README.md", `This is version ${version}.`, "This is a version."),
    [`the version: package.json says "${version}", README.md says nothing`],
  ],
  [
    "the tarball in docs/reference/setup.md",
    replace("docs/reference/setup.md", `lua-resty-sluice-${version}.tgz`, "lua-resty-sluice-9.9.9.tgz"),
    [`the version: package.json says "${version}", docs/reference/setup.md's tarball says "9.9.9"`],
  ],
  [
    "the image of the application",
    replace("docker/app/Dockerfile", baseImage, "openresty/openresty:9"),
    [`the base image: Dockerfile says "${baseImage}", docker/app/Dockerfile says "openresty/openresty:9"`],
  ],
  [
    "what dist.ini requires",
    replace("dist.ini", "openresty >= 1.21.4", "openresty >= 1.25.3"),
    ['the oldest OpenResty: dist.ini says "1.25.3", README.md says "1.21.4"'],
  ],
  [
    "the version in package-lock.json",
    replace("package-lock.json", `"version": "${version}"`, '"version": "9.9.9"'),
    [`the version: package.json says "${version}", package-lock.json says "9.9.9"`],
  ],
  [
    "the version of package-lock.json's own package",
    replace("package-lock.json", `      "version": "${version}"`, '      "version": "9.9.9"'),
    [`the version: package.json says "${version}", package-lock.json's own package says "9.9.9"`],
  ],
  [
    "the version in package.json",
    replace("package.json", `"version": "${version}"`, '"version": "1.0"'),
    [
      'package.json: the version "1.0" is not <major>.<minor>.<patch>',
      ...[
        "package-lock.json",
        "package-lock.json's own package",
        rockspec,
        "dist.ini",
        versionTs,
        versionLua,
        "CHANGELOG.md's first heading",
        "README.md",
        // The page names the tarball twice: where it is packed, and where it is installed.
        "docs/reference/setup.md's tarball",
        "docs/reference/setup.md's tarball",
      ].map((place) => `the version: package.json says "1.0", ${place} says "${version}"`),
    ],
  ],
  [
    "the revision of the rockspec",
    replace(rockspec, `version = "${version}-1"`, `version = "${version}"`),
    [
      `${rockspec}: the version "${version}" does not end in a revision such as "-1"`,
      `the version: package.json says "${version}", ${rockspec} says nothing`,
      `the rockspec's file: ${rockspec} itself says "lua-resty-sluice-${version}.rockspec", its name says "${rockspec}"`,
    ],
  ],
  [
    "the version in the rockspec",
    replace(rockspec, `version = "${version}-1"`, 'version = "9.9.9-1"'),
    [
      `the version: package.json says "${version}", ${rockspec} says "9.9.9"`,
      `the rockspec's file: ${rockspec} itself says "lua-resty-sluice-9.9.9-1.rockspec", its name says "${rockspec}"`,
    ],
  ],
  [
    "the rockspec's name",
    (folder) => renameSync(join(folder, rockspec), join(folder, "other.rockspec")),
    [`the rockspec's file: other.rockspec itself says "${rockspec}", its name says "other.rockspec"`],
  ],
  [
    "the description in the rockspec",
    replace(rockspec, "Dynamic upstreams", "Upstreams"),
    [/^the description: package\.json says "Dynamic upstreams .*", lua-resty-sluice.* says "Upstreams .*"$/],
  ],
  [
    "the description in dist.ini",
    replace("dist.ini", "Dynamic upstreams", "Upstreams"),
    [/^the description: package\.json says "Dynamic upstreams .*", dist\.ini says "Upstreams .*"$/],
  ],
  [
    "the license in the rockspec",
    replace(rockspec, 'license = "MIT"', 'license = "BSD"'),
    [`the license: package.json says "MIT", ${rockspec} says "BSD"`],
  ],
  [
    "LICENSE",
    replace("LICENSE", "MIT License", "BSD License"),
    ['the license: package.json says "MIT", LICENSE says "BSD"'],
  ],
  [
    "the license in dist.ini",
    replace("dist.ini", "license = mit", "license = 2bsd"),
    ['the license: package.json says "MIT", dist.ini says "2BSD"'],
  ],
  [
    "lines of dist.ini",
    replace("dist.ini", "is_original = yes", "original = yes\nname = again\nauthor"),
    [
      'dist.ini: line 7: duplicate key "name"',
      'dist.ini: line 8: neither a comment nor "key = value"',
      'dist.ini: has no "is_original", which opm requires',
      'dist.ini: unknown key "original"',
    ],
  ],
  [
    "dist.ini's main_module",
    replace("dist.ini", versionLua, "dist/version.lua"),
    ['dist.ini: main_module "dist/version.lua" does not exist'],
  ],
];

const listsOf = {
  dist: "dist/",
  npm: "what npm pack writes by package.json",
  luarocks: `what luarocks make installs by ${rockspec}`,
};

/** Changes of the files in the packages. @type {Spoiled[]} */
export const spoiledFiles = [
  ["nothing", () => {}, []],
  [
    "a file in dist/ that is not Lua",
    (folder) => writeFileSync(join(folder, "dist/notes.txt"), ""),
    ['dist/notes.txt: is in dist/, but not in what opm installs by dist.ini, the .lua files of "dist"'],
  ],
  [
    "package.json, without some types and with one file too many,",
    replace(
      "package.json",
      '"declarations",',
      '"declarations/upstream.d.ts", "declarations/health.d.ts", "dist.ini",',
    ),
    [
      ...["discovery", "index", "loads"].map(
        (name) =>
          `declarations/${name}.d.ts: is in dist/, bin/, declarations/ and the documents, but not in ${listsOf.npm}`,
      ),
      `dist.ini: is in ${listsOf.npm}, but not in dist/, bin/, declarations/ and the documents`,
      'package.json: "types" is "declarations/index.d.ts", which npm pack leaves out',
    ],
  ],
  [
    "the rockspec, which installs one file only,",
    replace(rockspec, "cp -R dist/. $(LUADIR)", "cp -R dist/resty/sluice.lua $(LUADIR)"),
    [
      `${versionLua}: is in ${listsOf.dist}, but not in ${listsOf.luarocks}`,
      `${mainLua}: is in ${listsOf.dist}, but not in ${listsOf.luarocks}`,
      `dist/sluice.lua: is in ${listsOf.luarocks}, but not in ${listsOf.dist}`,
    ],
  ],
  [
    "the rockspec, which installs nothing,",
    replace(rockspec, "cp -R dist/. $(LUADIR)", "true"),
    [versionLua, mainLua].map((file) => `${file}: is in ${listsOf.dist}, but not in ${listsOf.luarocks}`),
  ],
  [
    "the rockspec's source",
    replace(rockspec, `sluice-${version}.tgz`, "sluice-9.9.9.tgz"),
    [
      `the tarball: npm pack says "lua-resty-sluice-${version}.tgz", ${rockspec}'s source.url says "lua-resty-sluice-9.9.9.tgz"`,
    ],
  ],
  [
    "dist.ini's lib_dir",
    replace("dist.ini", "lib_dir = dist", "lib_dir = dist/resty/sluice"),
    [
      'dist/resty/sluice.lua: is in dist/, but not in what opm installs by dist.ini, the .lua files of "dist/resty/sluice"',
    ],
  ],
];

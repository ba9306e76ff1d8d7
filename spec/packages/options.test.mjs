/**
 * Tests that the compiler, which uses declarations/, and setup accept and refuse the same options. In every
 * example each field is omitted, gets a value of another type, and gets an unknown field beside it.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../scripts/setup.mjs";
import { makeFolder } from "../gateway/support/folder.mjs";
import { toLua } from "../gateway/support/nginx_conf.mjs";
import { beyondTypes, examples } from "./support/options.mjs";

/** @typedef {{ what: string, options: object }} Case */

/** Returns a value of another type than the given one. */
const otherThan = (value) => (typeof value === "boolean" ? "x" : typeof value === "object" ? 5 : true);

/**
 * @param {object} example
 * @returns {Case[]} each with one change
 */
function changed(example) {
  const cases = [];
  const visit = (path) => {
    const at = (options) => path.reduce((value, name) => value[name], options);
    const change = (kind, name, action) => {
      const options = structuredClone(example);
      action(at(options));
      cases.push({ what: `${kind} ${[...path, name].join(".")}`, options });
    };
    const value = at(example);
    for (const name of Object.keys(value)) {
      change("wrong", name, (its) => (its[name] = otherThan(value[name])));
      if (!Array.isArray(value)) change("without", name, (its) => delete its[name]);
      if (typeof value[name] === "object") visit([...path, name]);
    }
    if (!Array.isArray(value)) change("extra", "unknown", (its) => (its.unknown = true));
  };
  visit([]);
  return cases;
}

/** Returns an object with all fields of two values. */
function merged(one, other) {
  if (typeof one !== "object" || typeof other !== "object") return other;
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  const all = Array.isArray(one) ? [] : {};
  for (const name of names)
    all[name] = name in one && name in other ? merged(one[name], other[name]) : (one[name] ?? other[name]);
  return all;
}

/** Returns an object with all fields of the examples. The settings of an upstream occur twice. */
function whole() {
  const all = examples.reduce(merged);
  const { servers, discovery, ...settings } = all.upstreams.app;
  assert.ok(servers !== undefined && discovery !== undefined, "these are not settings of a template");
  return { ...all, discovery: { ...all.discovery, upstream: settings } };
}

/**
 * Returns the errors of the compiler for lines of TypeScript, each of which may use the types `Options` and
 * `Whole`.
 * @param {string} folder
 * @param {string[]} lines
 * @returns {Map<number, string>} errors by line number, starting at 0
 */
function complaints(folder, lines) {
  const before = [
    `/// <reference path="${root}/declarations/index.d.ts" />`,
    'import type { Options } from "resty.sluice";',
    "type Whole<T> = T extends object ? { [Name in keyof T]-?: Whole<T[Name]> } : T;",
  ];
  writeFileSync(join(folder, "cases.ts"), [...before, ...lines].join("\n"));
  // Declarations are checked too: skipLibCheck is off.
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: "ESNext",
    module: "ESNext",
    moduleResolution: "bundler",
    types: [],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["cases.ts"] }));
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const { stdout } = spawnSync(process.execPath, [compiler, "--pretty", "false", "-p", folder], {
    cwd: folder,
    encoding: "utf8",
  });
  const found = new Map();
  for (const complaint of stdout.split("\n").filter((line) => /error TS/.test(line))) {
    const line = Number(/^cases\.ts\((\d+),/.exec(complaint)?.[1]);
    assert.ok(line > before.length, `an error outside the cases: ${complaint}`);
    found.set(line - before.length - 1, complaint);
  }
  return found;
}

/**
 * Returns the messages of setup, from the module that reads its options.
 * @param {string} folder
 * @param {Case[]} cases
 * @returns {Map<number, string>} messages by the number of a case
 */
function refusals(folder, cases) {
  const script = join(folder, "cases.lua");
  const options = cases.map((each) => `function() return ${toLua(each.options)} end,`).join("\n");
  writeFileSync(
    script,
    `package.path = "${root}/dist/?.lua;" .. package.path
    local read_options = require("resty.sluice.config.options").read_options
    for number, options in ipairs({ ${options} }) do
      local is_read, reason = pcall(read_options, options())
      if not is_read then print(number - 1, reason) end
    end`,
  );
  const { status, stdout, stderr } = spawnSync("luajit", [script], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return new Map(
    stdout
      .split("\n")
      .filter(Boolean)
      .map((line) => [Number.parseInt(line, 10), line]),
  );
}

test("the compiler and setup accept and refuse the same options", (context) => {
  const folder = makeFolder(context, "options");
  const cases = examples.flatMap((options, index) => [
    { what: `example ${index}`, options },
    ...changed(options),
  ]);
  const lines = cases.map(
    ({ options }, index) => `export const v${index}: Options = ${JSON.stringify(options)};`,
  );
  const together = `export const all: Whole<Options> = ${JSON.stringify(whole())};`;
  const byTypes = complaints(folder, [...lines, together]);
  const bySetup = refusals(folder, cases);
  assert.equal(byTypes.get(cases.length), undefined, "the examples have every declared field");

  const beyond = [];
  for (const [index, { what, options }] of cases.entries()) {
    const said = `${what}\ncompiler: ${byTypes.get(index)}\nsetup: ${bySetup.get(index)}\n${JSON.stringify(options)}`;
    if (what.startsWith("example")) assert.ok(!byTypes.has(index) && !bySetup.has(index), said);
    else if (!what.startsWith("without")) assert.ok(byTypes.has(index) && bySetup.has(index), said);
    else if (byTypes.has(index)) assert.ok(bySetup.has(index), said);
    else if (bySetup.has(index)) beyond.push(what);
  }
  assert.deepEqual([...new Set(beyond)].sort(), beyondTypes.toSorted());
});

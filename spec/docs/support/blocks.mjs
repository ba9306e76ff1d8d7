/**
 * The tests of a page's blocks, by the first line of a block. "The output" is that of the previous block of
 * sh.
 *
 * sh                 is run and must succeed. Each answer of curl must have a status of 2xx, or a status in
 *                    the comment of its line: # 409
 * sh container       is run by spec/container only
 * json               is a part of the last JSON value in the output: see compare.mjs
 * json eventually    the same; the block of sh is repeated until they agree
 * json upstream      is accepted as an upstream by PUT; several upstreams have one line each
 * json report        is accepted as a report of a server's load
 * text exact         equals the output, in any order, without empty lines
 * text output        each line is a line of the output; "…" ends a line that continues there
 * nginx              is a whole nginx.conf that starts a gateway
 * nginx <level>      is a part of one: main, http, upstream, server or location; `nginx -t` accepts it there
 * lua                is Lua that can be loaded
 * lua setup          is a call of setup() that starts a gateway
 * yaml, ts           can be parsed
 * text               is not tested: a drawing, a formula
 * … file=<name>      is written to a file, for the commands of later blocks
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import ts from "typescript";
import { parseAllDocuments } from "yaml";
import { ProcessDriver } from "../../gateway/support/drivers/process.mjs";
import { makeFolder } from "../../gateway/support/folder.mjs";
import { startGateway } from "../../gateway/support/gateway.mjs";
import { freePort } from "../../gateway/support/ports.mjs";
import { differenceOf } from "./compare.mjs";
import { framed, isWholeConf, runnableConf } from "./nginx_conf.mjs";

/** Upper bound on the time until a result equals the one on the page, in milliseconds. */
const patience = 30_000;

/** @typedef {import("./scene.mjs").Scene} Scene */
/** @typedef {import("./pages.mjs").Block} Block */
/**
 * @typedef {(scene: Scene, block: Block, text: string) => unknown} Test `text` has the test's ports and
 *   folders
 */

/** Returns the commands of a block, by the numbers of their lines. @param {string} text */
function commandsOf(text) {
  const commands = new Map();
  let first = 1;
  const lines = text.split("\n");
  for (const [index, line] of lines.entries()) {
    const isContinued = line.endsWith("\\");
    const whole = lines.slice(first - 1, index + 1).join("\n");
    for (let number = first; number <= index + 1; number += 1) commands.set(number, whole);
    if (!isContinued) first = index + 2;
  }
  return commands;
}

/** Returns the statuses in the comment of a command. @param {string} text */
function statusesIn(text) {
  const [, comment = ""] = /(?:^|\s)#(.*)$/s.exec(text) ?? [];
  return [...comment.matchAll(/\b[1-5]\d\d\b/g)].map(([status]) => Number(status));
}

/** @param {string} text @param {import("./shell.mjs").Result} result */
export function assertStatuses(text, { answers, stdout }) {
  const commands = commandsOf(text);
  for (const { line, status } of answers) {
    const named = statusesIn(commands.get(line) ?? "");
    const isWanted = named.length > 0 ? named.includes(status) : status >= 200 && status < 300;
    assert.ok(isWanted, `${commands.get(line)}\nwas answered with ${status}:\n${stdout}`);
  }
}

/** @type {Test} */
async function runShell(scene, block, text) {
  const result = await scene.shell.run(text);
  assert.ok(result.ok, `a command failed:\n${text}\n${result.stdout}\n${result.stderr}`);
  assertStatuses(text, result);
  scene.last = { text, ...result };
}

/** Returns the last JSON value in the output of the previous block of sh. @param {Scene} scene */
function lastJson(scene) {
  assert.ok(scene.last !== undefined, "this block must follow a block of sh");
  const { stdout } = scene.last;
  const lines = stdout.split("\n").filter((line) => line.trim() !== "");
  for (const text of [lines.at(-1) ?? "", stdout]) {
    try {
      return JSON.parse(text);
    } catch {
      // The output may be one value of several lines.
    }
  }
  return assert.fail(`the last output is not JSON:\n${stdout}`);
}

/** @type {Test} */
async function compareOutput(scene, block, text) {
  const { volatile } = scene.options;
  const difference = () => differenceOf(JSON.parse(text), lastJson(scene), { volatile });
  const deadline = performance.now() + patience;
  while (block.words.includes("eventually") && difference() !== undefined && performance.now() < deadline) {
    await sleep(200);
    await runShell(scene, block, scene.last.text);
  }
  const found = difference();
  assert.ok(found === undefined, `${found}:\n${scene.last.stdout}`);
}

/** Returns the values of a block: one value, or one per line. @param {string} text */
function valuesOf(text) {
  try {
    return [JSON.parse(text)];
  } catch {
    return text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  }
}

/** @type {Test} */
async function putUpstream(scene, block, text) {
  for (const [index, value] of valuesOf(text).entries()) {
    const path = `/api/sluice/1/upstreams/page-${block.line}-${index}`;
    await scene.gateway.api.expect(201, "PUT", path, value);
    await scene.gateway.api.expect(204, "DELETE", `${path}?force=true`);
  }
}

/** @type {Test} */
async function postReport(scene, block, text) {
  const path = `/api/sluice/1/upstreams/page-${block.line}`;
  await scene.gateway.api.expect(201, "PUT", path, { servers: [{ server: "127.0.0.1:1" }] });
  const report = JSON.parse(text);
  const time = report.time === undefined ? {} : { time: new Date().toISOString() };
  await scene.gateway.api.expect(204, "POST", `${path}/servers/0/report`, { ...report, ...time });
  await scene.gateway.api.expect(204, "DELETE", `${path}?force=true`);
}

/**
 * Returns a function that compares a printed line with a line of the page.
 * @param {string} line of the page
 */
function matcherOf(line) {
  return line.endsWith("…")
    ? (/** @type {string} */ printed) => printed.startsWith(line.slice(0, -1))
    : (/** @type {string} */ printed) => printed === line;
}

/** @type {Test} */
function compareLines(scene, block, text) {
  assert.ok(scene.last !== undefined, "this block must follow a block of sh");
  const { stdout } = scene.last;
  const printed = stdout.split("\n").filter((line) => line.trim() !== "");
  assert.deepEqual(printed.sort(), text.trim().split("\n").sort());
}

/** @type {Test} */
function findLines(scene, block, text) {
  assert.ok(scene.last !== undefined, "this block must follow a block of sh");
  const printed = `${scene.last.stdout}\n${scene.last.stderr}`;
  const lines = printed.split("\n");
  for (const line of text.trim().split("\n")) {
    assert.ok(lines.some(matcherOf(line)), `"${line}" was not printed:\n${printed}`);
  }
}

/** @type {Test} */
async function checkConf(scene, block, text) {
  if (isWholeConf(text)) {
    if (scene.options.conf === "page" && scene.pageConf === block) return;
    const gateway = await scene.startOther(block.text);
    await gateway.stop();
    return;
  }
  const folder = makeFolder(scene.context, "docs-conf");
  const listen = `listen 127.0.0.1:${await freePort()};`;
  const conf = runnableConf(framed(text, block.words[0], listen), { folder, workerCount: 1 });
  writeFileSync(join(folder, "nginx.conf"), conf);
  const args = ["-tq", "-e", join(folder, "error.log"), "-p", folder, "-c", join(folder, "nginx.conf")];
  const { code, complaint } = new ProcessDriver().testConfiguration(args);
  assert.equal(code, 0, `${complaint}\n${conf}`);
}

/** @type {Test} */
function loadLua(scene, block, text) {
  const { status, stderr } = spawnSync("luajit", ["-e", "assert(loadstring(io.read('*a')))"], {
    input: text,
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
}

/** @type {Test} */
async function callSetup(scene, block, text) {
  const call = `local sluice = require("resty.sluice") local setup = sluice.setup\n${text}`;
  const gateway = await startGateway(scene.context, { workers: 1, initLua: call });
  gateway.log.allow(/connect\(\) failed|lua udp socket read timed out/);
  await gateway.stop();
}

/** @type {Test} */
function parseYaml(scene, block, text) {
  const problems = parseAllDocuments(text).flatMap(({ errors }) => errors.map(({ message }) => message));
  assert.deepEqual(problems, []);
}

/** @type {Test} */
function parseTypeScript(scene, block, text) {
  const { diagnostics = [] } = ts.transpileModule(text, { reportDiagnostics: true });
  assert.deepEqual(
    diagnostics.map(({ messageText }) => messageText),
    [],
  );
}

/** @type {Record<string, Test>} */
const tests = {
  sh: runShell,
  "sh hidden": runShell,
  json: compareOutput,
  "json eventually": compareOutput,
  "json upstream": putUpstream,
  "json report": postReport,
  "text exact": compareLines,
  "text output": findLines,
  nginx: checkConf,
  ...Object.fromEntries(
    ["main", "http", "upstream", "server", "location"].map((level) => [`nginx ${level}`, checkConf]),
  ),
  lua: loadLua,
  "lua setup": callSetup,
  yaml: parseYaml,
  ts: parseTypeScript,
  text: () => {},
};

/** @type {Test} */
function writeBlock(scene, block, text) {
  const [name] = block.words.flatMap((word) =>
    word.startsWith("file=") ? [word.slice("file=".length)] : [],
  );
  writeFileSync(join(scene.work, name), text);
}

/**
 * Returns the test of a block; undefined if no rule covers it.
 * @param {Block} block
 * @param {Record<string, Test>} kinds further tests of its page
 * @returns {Test | undefined}
 */
export function testOf({ language, words }, kinds) {
  if (words.some((word) => word.startsWith("file="))) return writeBlock;
  const [kind = ""] = words;
  return kinds[kind] ?? tests[[language, ...words].join(" ")];
}

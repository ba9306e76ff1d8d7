/** The API description must pass two common OpenAPI linters without a warning. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, runQuietly } from "./command.mjs";
import { readSources } from "./openapi.mjs";

/** The linters must not contact a server, neither for updates nor for telemetry. */
const environment = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };

/**
 * Lints a description.
 * @param {object} [description]
 * @returns {string[]} the output of each linter that fails
 */
export function checkOpenapi(description = readSources()) {
  const folder = mkdtempSync(join(tmpdir(), "openapi-"));
  const path = join(folder, "openapi.json");
  const ruleset = join(folder, "spectral.json");
  writeFileSync(path, JSON.stringify(description, null, 1));
  writeFileSync(ruleset, JSON.stringify({ extends: ["spectral:oas"] }));
  /** @type {[name: string, program: string, args: string[]][]} */
  const linters = [
    ["redocly", "@redocly/cli/bin/cli.js", ["lint", "--extends=recommended-strict", path]],
    [
      "spectral",
      "@stoplight/spectral-cli/dist/index.js",
      ["lint", "--fail-severity=warn", "--ruleset", ruleset, path],
    ],
  ];
  const problems = linters.flatMap(([name, program, args]) => {
    const { ok, output } = runQuietly(
      process.execPath,
      [join(root, "node_modules", program), ...args],
      environment,
    );
    return ok ? [] : [`${name}:\n${output.replaceAll(path, "openapi.json")}`];
  });
  rmSync(folder, { recursive: true });
  return problems;
}

import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import { createTypeScriptImportResolver } from "eslint-import-resolver-typescript";
import importX from "eslint-plugin-import-x";
import { readdirSync } from "node:fs";
import tseslint from "typescript-eslint";
import { noOptionalStringLength } from "./scripts/lint_string_length.mjs";

/** Imports go down only: a room may import from the layers below its own, and from itself. */
const layers = [
  ["api", "worker.ts"],
  ["live", "control", "probe"],
  ["health", "discovery", "cluster"],
  ["balancer", "store"],
  ["config", "net"],
  ["lib"],
];

/** The layers within a room; its own files are the top one. */
const innerLayers = { live: ["view"], store: ["disk", "document", "memory"] };

const sluice = "src/resty/sluice";
for (const { name } of readdirSync(sluice, { withFileTypes: true })) {
  if (!layers.flat().includes(name))
    throw new Error(`eslint.config.mjs: layers has no place for ${sluice}/${name}`);
}
const message = "Imports go down only.";
const zones = layers.flatMap((layer, index) =>
  layer.map((room) => ({
    target: `./${sluice}/${room}`,
    from: ["./src", "./spec"],
    except: [room, ...layers.slice(index + 1).flat()].map((allowed) => `./resty/sluice/${allowed}`),
    message,
  })),
);
const innerZones = Object.entries(innerLayers).flatMap(([room, folders]) =>
  folders.map((folder, index) => ({
    target: `./${sluice}/${room}/${folder}`,
    from: [`./${sluice}/${room}`],
    except: folders.slice(index).map((allowed) => `./${allowed}`),
    message,
  })),
);

/** The dashboard's rooms, from the top down. */
const webLayers = [
  ["main.tsx"],
  ["views"],
  ["actions"],
  ["components"],
  ["state"],
  ["api"],
  ["model"],
  ["styles"],
];
const webZones = webLayers.flatMap((layer, index) =>
  layer.map((room) => ({
    target: `./web/src/${room}`,
    from: ["./web/src"],
    except: [room, ...webLayers.slice(index + 1).flat()].map((allowed) => `./${allowed}`),
    message,
  })),
);

/** The rooms of the command, from the top down. The sources of the dashboard may be used. */
const commandLayers = [
  ["main.ts"],
  ["program.ts"],
  ["commands"],
  ["rules", "documents", "nginx", "settings", "output"],
  ["api"],
  ["model"],
  ["failure.ts"],
];
const commandZones = commandLayers.flatMap((layer, index) =>
  layer.map((room) => ({
    target: `./cli/src/${room}`,
    from: ["./cli/src"],
    except: [room, ...commandLayers.slice(index + 1).flat()].map((allowed) => `./${allowed}`),
    message,
  })),
);

/** JavaScript that has types here but nothing behind them when Lua runs it, or only a costly imitation. */
const absentGlobals = {
  "Error, AggregateError, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError":
    "Use error(\"…\", 2) for a caller's mistake, and return undefined and a reason for the world's.",
  "Map, WeakMap": "Use LuaMap or LuaTable.",
  "Set, WeakSet": "Use LuaSet.",
  Date: "Use lib/clock.",
  JSON: "Use lib/json.",
  RegExp: "Use string.match, or ngx.re where it is there.",
  "Number, parseInt, parseFloat": "Use tonumber.",
  "isNaN, isFinite": "Compare: a number that is not equal to itself is not a number.",
  "Symbol, Proxy, Reflect": "Use a metatable.",
  "Promise, AsyncIterator": "Cosockets wait by themselves.",
  "setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, queueMicrotask": "Use ngx.timer.",
  console: "Use ngx.log.",
  "encodeURI, encodeURIComponent, escape": "Use ngx.escape_uri.",
  "decodeURI, decodeURIComponent, unescape": "Use ngx.unescape_uri.",
  "BigInt, Intl, Atomics, WebAssembly, globalThis, structuredClone, eval, Iterator, WeakRef, FinalizationRegistry":
    "There is no such thing in Lua.",
  "ArrayBuffer, SharedArrayBuffer, DataView, Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array":
    "Use ffi.new.",
};
const restrictedGlobals = Object.entries(absentGlobals).flatMap(([names, message]) =>
  names.split(", ").map((name) => ({ name, message })),
);

/** The one clock: durations must not follow the time of day, which can be set. */
const clocks = [
  ["ngx", "now"],
  ["ngx", "time"],
  ["ngx", "update_time"],
  ["os", "time"],
  ["os", "clock"],
].map(([object, property]) => ({ object, property, message: "Use lib/clock." }));

/** What functions use that specs run in a page of a browser. */
const browserGlobals = [
  "Event",
  "document",
  "innerWidth",
  "localStorage",
  "location",
  "requestAnimationFrame",
  "scrollBy",
  "sessionStorage",
  "window",
];

/** What the Node scripts use of Node's globals. */
const nodeGlobals = [
  "AbortController",
  "AbortSignal",
  "Buffer",
  "URL",
  "URLSearchParams",
  "clearInterval",
  "clearTimeout",
  "console",
  "fetch",
  "performance",
  "process",
  "setImmediate",
  "setInterval",
  "setTimeout",
  "structuredClone",
];

/** Every test always runs. */
const noFocusNoSkip = [
  {
    selector: "CallExpression[callee.property.name=/^(only|skip|todo)$/][callee.object.name!='assert']",
    message: "Every test always runs.",
  },
  { selector: "CallExpression[callee.name='pending']", message: "Every test always runs." },
  {
    selector:
      "CallExpression[callee.name=/^(test|it|describe|suite)$/] > ObjectExpression > Property[key.name=/^(only|skip|todo)$/]",
    message: "Every test always runs.",
  },
];

const unusedVars = [
  "error",
  { argsIgnorePattern: "^_", varsIgnorePattern: "^_", destructuredArrayIgnorePattern: "^_" },
];

export default defineConfig(
  globalIgnores(["bin/", "dist/", "build/", ".sluice/"]),
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    ignores: ["cli/**", "web/**"],
    extends: [tseslint.configs.recommendedTypeChecked, importX.flatConfigs.typescript],
    plugins: {
      "import-x": importX,
      sluice: { rules: { "no-optional-string-length": noOptionalStringLength } },
    },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: { "import-x/resolver-next": [createTypeScriptImportResolver({ project: "tsconfig.json" })] },
    rules: {
      eqeqeq: "error",
      "sluice/no-optional-string-length": "error",
      "no-restricted-globals": ["error", ...restrictedGlobals],
      "import-x/no-cycle": "error",
      "import-x/no-restricted-paths": [
        "error",
        { zones: [...zones, ...innerZones], basePath: import.meta.dirname },
      ],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-vars": unusedVars,
      "@typescript-eslint/prefer-nullish-coalescing": "error",
      // 0 and "" are true in Lua, so a condition must be a boolean already.
      "@typescript-eslint/strict-boolean-expressions": [
        "error",
        { allowString: false, allowNumber: false, allowNullableObject: false },
      ],
    },
  },
  {
    files: ["web/**/*.{ts,tsx}"],
    extends: [tseslint.configs.recommendedTypeChecked, importX.flatConfigs.typescript],
    plugins: { "import-x": importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: {
      "import-x/resolver-next": [createTypeScriptImportResolver({ project: "web/tsconfig.json" })],
    },
    rules: {
      eqeqeq: "error",
      "import-x/no-cycle": "error",
      "import-x/no-restricted-paths": ["error", { zones: webZones, basePath: import.meta.dirname }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-vars": unusedVars,
    },
  },
  {
    files: ["cli/**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked, importX.flatConfigs.typescript],
    plugins: { "import-x": importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: {
      "import-x/resolver-next": [createTypeScriptImportResolver({ project: "cli/tsconfig.json" })],
    },
    rules: {
      eqeqeq: "error",
      "import-x/no-cycle": "error",
      "import-x/no-restricted-paths": ["error", { zones: commandZones, basePath: import.meta.dirname }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-unused-vars": unusedVars,
      "@typescript-eslint/prefer-nullish-coalescing": "error",
    },
  },
  {
    files: ["src/**"],
    ignores: [`${sluice}/lib/clock.ts`],
    rules: { "no-restricted-properties": ["error", ...clocks] },
  },
  {
    files: [`${sluice}/{balancer,config}/**`],
    rules: {
      "no-restricted-globals": [
        "error",
        ...restrictedGlobals,
        { name: "ngx", message: "This folder is pure: it runs under plain LuaJIT." },
      ],
    },
  },
  {
    // An import would make a module of the file, and what it declares would be that of no Lua module any
    // more.
    files: ["declarations/**"],
    rules: { "@typescript-eslint/triple-slash-reference": ["error", { path: "always" }] },
  },
  {
    files: ["**/*.mjs"],
    languageOptions: {
      globals: Object.fromEntries(nodeGlobals.map((name) => [name, "readonly"])),
    },
  },
  {
    // Functions that run in the browser.
    files: ["spec/dashboard/**", "scripts/screenshots.mjs"],
    languageOptions: {
      globals: Object.fromEntries(browserGlobals.map((name) => [name, "readonly"])),
    },
  },
  { files: ["spec/**"], rules: { "no-restricted-syntax": ["error", ...noFocusNoSkip] } },
);

/**
 * Writes declarations/, the types of the Lua module for users of TypeScriptToLua, from the option blocks of
 * src/resty/sluice/config and from the functions of src/resty/sluice.ts: `node scripts/declarations.mjs`.
 * `npm run check` compares the files with their sources.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import ts from "typescript";
import { isMain, root } from "./command.mjs";
import { filesBelow } from "./files.mjs";

const CONFIG = join(root, "src", "resty", "sluice", "config");
const MODULE = join(root, "src", "resty", "sluice.ts");
const WIDTH = 110;

/** The files of declarations/ with their subjects and the sources of config/ whose blocks they contain. */
const FILES = {
  "upstream.d.ts": {
    about: "An upstream: its servers, how requests are distributed over them, and how many are admitted.",
    sources: [
      "upstream",
      "server",
      "balancing",
      "least_load",
      "sticky",
      "zones",
      "admission",
      "adaptive_limit",
      "split",
      "values",
    ],
  },
  "health.d.ts": {
    about: "How the health of an upstream's servers is determined, in addition to `max_fails`.",
    sources: ["health_check", "match", "outlier"],
  },
  "loads.d.ts": {
    about: "How the loads that servers report are used.",
    sources: ["load", "autoscale"],
  },
  "discovery.d.ts": {
    about: "The registries that can supply an upstream's servers, and the DNS servers for host names.",
    sources: [
      ...["discovery", "upstream_template", "template", "resolver"],
      ...["etcd", "consul", "dns", "docker", "kubernetes", "file", "tls"],
    ],
  },
};

/** The public names of types and options where the source has another one, or an internal type. */
const NAMES = { MethodName: "Method" };
/** The types of options, by the names of the block and of the option. */
const TYPES = {
  "Api.certificates": "Record<string, Certificate>",
  "Options.upstreams": "Record<string, Upstream>",
  "Split.members": "SplitMember[]",
  "Upstream.servers": "Server[]",
  "UpstreamTemplate.upstream": 'Omit<Upstream, "servers" | "discovery">',
};

/** @param {string} constant a name such as `HEALTH_CHECK` @returns {string} `HealthCheck` */
const publicName = (constant) =>
  constant.toLowerCase().replaceAll(/(^|_)(.)/g, (_match, _before, letter) => letter.toUpperCase());

/**
 * Writes a comment over or beside a declaration.
 * @param {string} text
 * @param {string} indent
 * @param {string[]} [tags]
 */
function comment(text, indent, tags = []) {
  const isSingle = tags.length === 0 && !text.includes("\n\n");
  const lines = isSingle ? wrapped(text, WIDTH - indent.length - 7) : [];
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  const paragraphs = text.split("\n\n").map((part) => wrapped(part, WIDTH - indent.length - 3));
  const all = [...paragraphs, ...(tags.length === 0 ? [] : [tags])].map((part) =>
    part.map((line) => `${indent} * ${line}\n`).join(""),
  );
  return `${indent}/**\n${all.join(`${indent} *\n`)}${indent} */\n`;
}

/** @param {string} text @param {number} width @returns {string[]} */
function wrapped(text, width) {
  const lines = [""];
  for (const word of text.split(/\s+/)) {
    const line = lines.at(-1);
    if (line === "") lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/**
 * Makes the text of each file of declarations/.
 * @returns {Map<string, string>} by the name of the file
 */
export function declarations() {
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile).config,
    ts.sys,
    root,
  );
  const paths = filesBelow(join(root, "src")).filter((path) => path.endsWith(".ts"));
  const types = filesBelow(join(root, "types")).filter((path) => path.endsWith(".d.ts"));
  const program = ts.createProgram([...paths, ...types], options);
  const checker = program.getTypeChecker();
  const sources = paths.filter((path) => path.startsWith(CONFIG)).map((path) => program.getSourceFile(path));

  /** @param {ts.Symbol} symbol */
  const documentation = (symbol) => ts.displayPartsToString(symbol.getDocumentationComment(checker));
  /** @param {ts.Type} type @param {string} name */
  const member = (type, name) => {
    const symbol = type.getProperty(name);
    return symbol && checker.getNonNullableType(checker.getTypeOfSymbol(symbol));
  };

  /** The exported blocks: the type of a block's options, and what declares them. */
  const blocks = new Map();
  const aliases = new Map();
  for (const source of sources) {
    for (const symbol of checker.getExportsOfModule(checker.getSymbolAtLocation(source) ?? source.symbol)) {
      const declaration = symbol.declarations?.[0];
      const file = basename(source.fileName, ".ts");
      if (declaration && ts.isTypeAliasDeclaration(declaration))
        aliases.set(symbol, { file, declaration, text: documentation(symbol) });
      if (!declaration || !ts.isVariableDeclaration(declaration)) continue;
      const type = checker.getTypeOfSymbol(symbol);
      if (type.symbol?.name !== "Block") continue;
      const [its] = checker.getTypeArguments(type);
      blocks.set(its, { name: publicName(symbol.name), file, text: documentation(symbol) });
    }
  }

  const usedAliases = new Set();

  /** @param {ts.Type} type of a value @returns {string} */
  function written(type) {
    const alias = type.aliasSymbol && aliases.get(type.aliasSymbol);
    if (alias !== undefined && FILES["upstream.d.ts"].sources.includes(alias.file)) {
      usedAliases.add(type.aliasSymbol);
      return NAMES[type.aliasSymbol.name] ?? type.aliasSymbol.name;
    }
    const expand = alias === undefined ? 0 : ts.TypeFormatFlags.InTypeAlias;
    return checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation | expand);
  }

  /** @param {string} owner the block @param {ts.Symbol} symbol of an option @returns {string} */
  function field(owner, symbol) {
    const { name } = symbol;
    const option = checker.getTypeOfSymbol(symbol);
    const [presence] = checker.typeToString(member(option, "presence")).split('"').filter(Boolean);
    const read = member(option, "read");
    const [signature] = read.getCallSignatures();
    const value = valueOf(signature.getReturnType());
    if (value === undefined) return "";
    const block = blockOf(symbol);
    const type = TYPES[`${owner}.${name}`] ?? (block === undefined ? written(value) : block);
    const byDefault = presence === "default" ? member(option, "default_value") : undefined;
    const known = byDefault?.isLiteral() || byDefault?.flags & ts.TypeFlags.BooleanLiteral;
    let text = documentation(symbol);
    if (known && !text.includes("Default:")) {
      const shown = checker.typeToString(byDefault);
      text += `${text === "" ? "" : " "}Default: ${shown.startsWith('"') ? `\`${shown}\`` : shown}.`;
    }
    const mark = presence === "required" ? "" : "?";
    return `${text === "" ? "" : comment(text, "    ")}    ${name}${mark}: ${type};\n`;
  }

  /** The type of the values that a reader returns; undefined: it refuses all. @param {ts.Type} returned */
  function valueOf(returned) {
    const parts = returned.isIntersection() ? returned.types : [returned];
    const tuple = parts.find((part) => checker.isTupleType(part));
    const type = checker.getNonNullableType(checker.getTypeArguments(tuple)[0]);
    return type.flags & ts.TypeFlags.Never ? undefined : type;
  }

  /**
   * The name of the block that an option is made of, from the source of the option. @param {ts.Symbol} symbol
   */
  function blockOf(symbol) {
    for (const declaration of symbol.declarations ?? []) {
      let call = declaration.initializer;
      while (call && ts.isCallExpression(call)) call = call.arguments[0];
      const type = call && checker.getTypeAtLocation(call);
      if (type?.symbol?.name === "Block") return blocks.get(checker.getTypeArguments(type)[0])?.name;
    }
    return undefined;
  }

  /** @param {string[]} files of config/ */
  function interfaces(files) {
    const of = [...blocks].filter(([, { file }]) => files.includes(file));
    of.sort(([, one], [, other]) => files.indexOf(one.file) - files.indexOf(other.file));
    return of
      .filter(([, { name }]) => !["Balancing", "Settings"].includes(name))
      .map(([type, { name, file, text }]) => {
        // Options that come from another block by a spread are declared before this block.
        const place = ({ declarations: [its] }) =>
          basename(its.getSourceFile().fileName, ".ts") === file ? its.pos : -1;
        const options = type.getProperties().toSorted((one, other) => place(one) - place(other));
        const fields = options.map((symbol) => field(name, symbol));
        return `${comment(text, "  ")}  export interface ${name} {\n${fields.join("")}  }\n`;
      });
  }

  /** @returns {string[]} */
  function writtenAliases() {
    return [...usedAliases].map((symbol) => {
      const { text, declaration } = aliases.get(symbol);
      const type = declaration.type.getText() === "string & {}" ? "string" : declaration.type.getText();
      const head = `  export type ${NAMES[symbol.name] ?? symbol.name} =`;
      // As Prettier breaks a line that is too long.
      const gap = head.length + type.length + 2 > WIDTH ? "\n    " : " ";
      return `${comment(text, "  ")}${head}${gap}${type};\n`;
    });
  }

  /** @returns {string[]} */
  function functions() {
    const source = program.getSourceFile(MODULE);
    const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(source));
    exported.sort((one, other) => one.declarations[0].pos - other.declarations[0].pos);
    return exported.map((symbol) => {
      const tags = symbol
        .getJsDocTags(checker)
        .map(({ name, text }) => `@${name} ${ts.displayPartsToString(text)}`.replace(/ - /, " "));
      const text = comment(documentation(symbol), "  ", tags);
      const type = checker.getTypeOfSymbolAtLocation(symbol, source);
      const [signature] = type.getCallSignatures();
      if (signature === undefined) return `${text}  export const ${symbol.name}: string;\n`;
      const parameters = signature.parameters.map((parameter) => {
        const { name, questionToken, type: its } = parameter.valueDeclaration;
        return `${name.text}${questionToken === undefined ? "" : "?"}: ${its.getText()}`;
      });
      return `${text}  export function ${symbol.name}(${parameters.join(", ").replace("unknown", "Options")}): void;\n`;
    });
  }

  const first = "// Generated by scripts/declarations.mjs from src/resty/sluice/config. Do not edit.\n\n";
  const declared = 'declare module "resty.sluice" {\n';
  const result = new Map();
  for (const [name, { about, sources: files }] of Object.entries(FILES))
    result.set(name, { about, parts: interfaces(files) });
  const optionParts = interfaces(["access", "address_rules", "options"]);
  result.get("upstream.d.ts").parts.unshift(...writtenAliases());
  const texts = new Map();
  for (const [name, { about, parts }] of result)
    texts.set(
      name,
      `${first}${comment(about, "")}\n/** @noResolution @noSelf */\n${declared}${parts.join("\n")}}\n`,
    );
  const references = Object.keys(FILES).map((name) => `/// <reference path="${name}" />\n`);
  texts.set(
    "index.d.ts",
    `${first}/** The types of the Lua module \`resty.sluice\`, for TypeScript that TypeScriptToLua compiles. */\n\n` +
      `${references.join("")}\n/**\n * Dynamic upstreams for OpenResty: one function per phase of nginx.\n *\n * @noResolution\n * @noSelf\n */\n` +
      `${declared}${[...optionParts.toReversed(), ...functions()].join("\n")}}\n`,
  );
  return texts;
}

/** @returns {string[]} one line per file of declarations/ that is out of date */
export function checkDeclarations() {
  return [...declarations()]
    .filter(([name, text]) => readFileSync(join(root, "declarations", name), "utf8") !== text)
    .map(([name]) => `declarations/${name} differs from src/: run node scripts/declarations.mjs`);
}

if (isMain(import.meta.url)) {
  for (const [name, text] of declarations()) writeFileSync(join(root, "declarations", name), text);
}

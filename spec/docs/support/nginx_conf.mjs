/** Makes an nginx.conf of a page, or of the repository, run in a folder and on ports of a test's own. */
import { root } from "../../../scripts/command.mjs";

/** Directives for which the test has its own values. */
const replaced =
  /^[ \t]*(load_module|error_log|pid|user|worker_processes|lua_package_path|\w+_temp_path)\s(?:"[^"]*"|[^;"])*;/gm;

/** The folders that nginx writes bodies to. @param {string} folder */
function ownFolders(folder) {
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(" ");
}

/**
 * @param {string} text with the test's ports already
 * @param {{ folder: string, workerCount: number }} place
 */
export function runnableConf(text, { folder, workerCount }) {
  const http = `http { ${ownFolders(folder)} lua_package_path "${root}/dist/?.lua;;"; access_log off;`;
  const main = `pid ${folder}/nginx.pid; error_log ${folder}/error.log notice; worker_processes ${workerCount};`;
  return `${main}\n${text.replace(replaced, "").replace(/\bhttp \{/, () => http)}`;
}

/**
 * What a part of an nginx.conf needs around it, by the word after "nginx" in the block's first line.
 *
 * @type {Record<string, (text: string, listen: string) => string>}
 */
const frames = {
  main: (text) => `${text}\nhttp {\n${basics(text)}\n}`,
  http: (text) => `http {\n${basics(text)}\n${text}\n}`,
  upstream: (text) => `http {\n${basics(text)}\nupstream fragment { server 0.0.0.1;\n${text}\n}\n}`,
  server: (text, listen) => `http {\n${basics(text)}\nserver { ${listen}\n${text}\n}\n}`,
  location: (text, listen) =>
    `http {\n${basics(text)}\nserver { ${listen} location /fragment {\n${text}\n}\n}\n}`,
};

/** What the fragment does not say itself. @param {string} text */
function basics(text) {
  const lines = [
    [/lua_shared_dict/, "lua_shared_dict sluice 8m;"],
    [/upstream app\b/, "upstream app { server 127.0.0.1:1; }"],
    [/upstream sluice_dynamic\b/, "upstream sluice_dynamic { server 127.0.0.1:1; }"],
  ];
  return lines.flatMap(([pattern, line]) => (pattern.test(text) ? [] : [line])).join("\n");
}

/** Whether a text is all of an nginx.conf. @param {string} text */
export const isWholeConf = (text) => /^http \{/m.test(text);

/**
 * Puts a part of an nginx.conf into a frame that makes it a whole one.
 * @param {string} text
 * @param {string | undefined} level where it belongs
 * @param {string} listen a directive for the server, if the frame has one
 */
export function framed(text, level, listen) {
  const frame = frames[level ?? ""];
  if (frame === undefined)
    throw new Error(`write where this belongs after "nginx": one of ${Object.keys(frames).join(", ")}`);
  return `events {}\n${frame(text, listen)}`;
}

/**
 * Changes an nginx.conf of a page or of the repository so that it runs in the folder and on the ports of a
 * test.
 */
import { root } from "../../../scripts/command.mjs";

/** Directives that the test replaces. */
const replaced =
  /^[ \t]*(load_module|error_log|pid|user|worker_processes|lua_package_path|\w+_temp_path)\s(?:"[^"]*"|[^;"])*;/gm;

/** Returns the directives for the folders to which nginx writes bodies. @param {string} folder */
function ownFolders(folder) {
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(" ");
}

/**
 * @param {string} text with the ports of the test
 * @param {{ folder: string, workerCount: number }} place
 */
export function runnableConf(text, { folder, workerCount }) {
  const http = `http { ${ownFolders(folder)} lua_package_path "${root}/dist/?.lua;;"; access_log off;`;
  const main = `pid ${folder}/nginx.pid; error_log ${folder}/error.log notice; worker_processes ${workerCount};`;
  return `${main}\n${text.replace(replaced, "").replace(/\bhttp \{/, () => http)}`;
}

/**
 * Functions that complete a part of an nginx.conf, by the word after "nginx" in the block's first line.
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

/** Returns directives that the part needs and does not contain. @param {string} text */
function basics(text) {
  const lines = [
    [/lua_shared_dict/, "lua_shared_dict sluice 8m;"],
    [/upstream app\b/, "upstream app { server 127.0.0.1:1; }"],
    [/upstream sluice_dynamic\b/, "upstream sluice_dynamic { server 127.0.0.1:1; }"],
  ];
  return lines.flatMap(([pattern, line]) => (pattern.test(text) ? [] : [line])).join("\n");
}

/** Whether a text is a whole nginx.conf. @param {string} text */
export const isWholeConf = (text) => /^http \{/m.test(text);

/**
 * Completes a part of an nginx.conf to a whole one.
 * @param {string} text
 * @param {string | undefined} level the context of the part
 * @param {string} listen the directive for the server block
 */
export function framed(text, level, listen) {
  const frame = frames[level ?? ""];
  if (frame === undefined)
    throw new Error(
      `the first line of this block must name its context after "nginx": one of ${Object.keys(frames).join(", ")}`,
    );
  return `events {}\n${frame(text, listen)}`;
}

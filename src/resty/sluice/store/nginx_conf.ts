import { glob } from "./glob";
import { recall, remember } from "./memory/dict";

/**
 * Finds out from nginx.conf which phases exist. `setup` runs in the master, before there are workers, and
 * nothing tells it whether init_worker_by_lua will run in them. nginx's command line names the file, so it is
 * read once more. Where that is not possible, nothing is known.
 */

const LONGEST_FILE = 4 * 1024 * 1024;
/** nginx has no limit of its own; a file that includes itself would be read without end. */
const MOST_FILES = 1000;

/** Reads a whole file. Undefined: it cannot be read, or is longer than 4 MiB. */
export function read_file(path: string): string | undefined {
  const [file] = io.open(path, "rb");
  if (file === undefined) return undefined;
  let text = file.read(LONGEST_FILE + 1);
  // A read of an empty file returns nothing, as does that of an unreadable one, such as a folder.
  if (text === undefined && file.seek("end")[0] === 0) text = "";
  file.close();
  return text === undefined || text.length > LONGEST_FILE ? undefined : text;
}

/** Resolves a path as nginx does: relative to a folder unless it is absolute. */
function below(folder: string, path: string): string {
  return string.sub(path, 1, 1) === "/" ? path : `${folder}${path}`;
}

const WITH_VALUE = "[cegps]";

/** Returns the value of `-c` in a command line, which nginx reads letter by letter. Pure. */
export function conf_option(command_line: string): string | undefined {
  const words: string[] = [];
  for (const [word] of string.gmatch(command_line, "(%Z+)")) words.push(word);
  let index = 1;
  let conf: string | undefined;
  while (index < words.length) {
    const word = words[index];
    const [at] = string.find(word, WITH_VALUE, 2);
    if (string.sub(word, 1, 1) === "-" && at !== undefined) {
      const is_separate = at === word.length;
      if (is_separate) index += 1;
      const value = is_separate ? (words[index] as string | undefined) : string.sub(word, at + 1);
      if (string.sub(word, at, at) === "c") conf = value;
    }
    index += 1;
  }
  return conf;
}

/** Returns the path of nginx.conf. It is kept for reloads: nginx overwrites its command line. */
function conf_path(): string | undefined {
  const noted = recall("conf") as string | undefined;
  if (noted !== undefined) return noted;
  const command_line = read_file("/proc/self/cmdline");
  if (command_line === undefined) return undefined;
  const [built_in] = string.match(ngx.config.nginx_configure(), "%-%-conf%-path=(%S+)");
  const path = below(ngx.config.prefix(), conf_option(command_line) ?? built_in ?? "conf/nginx.conf");
  remember("conf", path);
  return path;
}

/** Returns the paths that seem to be included, as written; a wrong one makes the result unknown. Pure. */
export function included(text: string): string[] {
  const paths: string[] = [];
  for (const [path] of string.gmatch(text, "include%s+[\"']?([^\"';{}%s]+)")) paths.push(path);
  return paths;
}

/** Returns a configuration without its comment lines. Pure. */
export function without_comments(text: string): string {
  const [stripped] = string.gsub(`\n${text}`, "\n[ \t]*#[^\n]*", "\n");
  return stripped;
}

/** Returns the whole configuration; undefined: part of it cannot be read. */
function whole_configuration(path: string): string | undefined {
  const folder = string.match(path, "^.*/")[0] ?? "";
  const texts: string[] = [];
  const left = [path];
  while (left.length > 0) {
    const text = texts.length < MOST_FILES ? read_file(left.pop() as string) : undefined;
    if (text === undefined) return undefined;
    const stripped = without_comments(text);
    texts.push(stripped);
    for (const pattern of included(stripped)) {
      for (const file of glob(below(folder, pattern)) ?? [""]) left.push(file);
    }
  }
  return table.concat(texts, "\n");
}

/** Returns whether nginx.conf, which must have init_by_lua, has no init_worker_by_lua. Phase: init_by_lua. */
export function lacks_init_worker(): boolean {
  const path = conf_path();
  const text = path === undefined ? undefined : whole_configuration(path);
  if (text === undefined || string.find(text, "init_by_lua", 1, true)[0] === undefined) return false;
  return string.find(text, "init_worker_by_lua", 1, true)[0] === undefined;
}

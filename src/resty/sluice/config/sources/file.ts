import { read_block, type Read, type ReadersOf } from "../fields";
import { invalid_value, missing_argument } from "../problem";
import { text_to } from "../texts";
import type { Kind } from "./kind";

/** The servers that a JSON file lists are an upstream's. */
export interface FileConfig {
  path: string;
}

const read_text = text_to(1024);

function read_path(this: void, path: string, value: unknown): Read<string> {
  if (typeof value === "string" && string.sub(value, 1, 1) !== "/")
    return $multi(undefined, invalid_value(path, 'it does not begin with "/"'));
  return read_text(path, value);
}

const READERS = { path: read_path } satisfies ReadersOf<FileConfig>;

function read_file(this: void, path: string, value: unknown): Read {
  const [file, problem] = read_block(path, value, READERS, {});
  if (file !== undefined && file.path === undefined)
    return $multi(undefined, missing_argument(`${path}.path`));
  return $multi(file, problem);
}

export const file: Kind = { read: read_file, fields: ["path"], secrets: [] };

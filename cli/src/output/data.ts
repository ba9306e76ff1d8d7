import { stringify } from "yaml";
import { Failure } from "../failure";
import { print } from "./terminal";

/** Prints answers as data for programs. */

export type DataFormat = "json" | "yaml";
export type Format = DataFormat | "text";

/** Reads the value of `-o`. */
export function parseFormat(text: string): Format {
  if (text === "json" || text === "yaml" || text === "text") return text;
  throw new Failure(`invalid value "${text}" of -o: must be text, json or yaml`);
}

export function toYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** Prints a value as data. Returns false if the format is text, which the caller prints. */
export function printData(format: Format, value: unknown): boolean {
  if (format === "json") print(JSON.stringify(value, null, 2));
  else if (format === "yaml") print(toYaml(value));
  return format !== "text";
}

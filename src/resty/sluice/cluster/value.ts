import * as clock from "../lib/clock";
import type { Document } from "../store/document/document";
import { shared_text } from "../store/document/replica";
import { format_version, parse_version, type Version } from "./version";

/**
 * The value of an upstream's key in etcd: the shared part; in a second line, the version that it comes from
 * if it was put back into an etcd that had lost its data, and a token that makes the value unique.
 */

/** Makes the tokens of this worker unique. */
let count = 0;

/** Returns a text that no other value has. It is no version. */
export function unique_token(): string {
  count += 1;
  return string.format("%d %d %.3f %.9f", ngx.worker.pid(), count, clock.now(), math.random());
}

/**
 * Returns the value for a document. `origin`: the version that is put back; undefined: the value is a change.
 */
export function value_of(document: Document, origin: Version | undefined): string {
  const from = origin === undefined ? "" : `origin=${format_version(origin)} `;
  return `${shared_text(document)}\n${from}${unique_token()}`;
}

/** Returns the shared part of a value. */
export function shared_part(value: string): string {
  return string.match(value, "^[^\n]*")[0];
}

/** Returns the version that was put back as a value; undefined: the value is a change. */
export function origin_of(value: string): Version | undefined {
  const [text] = string.match(value, "^[^\n]*\norigin=([%x.]+) ");
  return parse_version(text);
}

import { check_block_places, check_server_place, PLACE_BLOCKS } from "../config/address_rules";
import type { Problem } from "../config/problem";
import { limits_servers } from "../lib/address_rules";
import { address_rules } from "../net/allowed";
import { parse_document, parse_head, type Document } from "./document/document";
import { address_in } from "./document/line";
import { UpstreamRow } from "./memory/cells";
import { list_names } from "./memory/changes";
import { delete_report, get_report, get_text, put_report } from "./memory/dict";
import { row_at, shared_memory } from "./memory/region";

/**
 * Addresses that upstreams have from before `guard` excluded them. No state is lost: servers stay in service
 * and are checked. Registries and webhooks are not contacted (`net/allowed.ts`). All are reported.
 */

const MOST_NAMES = 20;

function key_of(name: string): string {
  return `places:${name}`;
}

/** Counts the addresses that the rules do not allow, and returns the first problem. */
function count_old(document: Document): LuaMultiReturn<[count: number, first: Problem | undefined]> {
  const rules = address_rules();
  let count = 0;
  let first: Problem | undefined;
  const note = (problem: Problem | undefined): void => {
    if (problem !== undefined) count += 1;
    first ??= problem;
  };
  for (const name of PLACE_BLOCKS) note(check_block_places(rules, name, document));
  if (limits_servers(rules)) {
    for (const line of document.lines) note(check_server_place(rules, address_in(line)));
  }
  return $multi(count, first);
}

/** Records the old addresses of an upstream. Returns whether there are any. */
function note_places(name: string, document: Document): boolean {
  const [count, first] = count_old(document);
  shared_memory()[row_at(document.row) + UpstreamRow.OLD_PLACES] = count;
  if (first !== undefined) put_report(key_of(name), first.text);
  else delete_report(key_of(name));
  return count > 0;
}

/** Records what is left of the old addresses after a write. Any phase. */
export function renew_old_places(name: string, document: Document): void {
  if (shared_memory()[row_at(document.row) + UpstreamRow.OLD_PLACES] > 0) note_places(name, document);
}

/** Forgets the old addresses of an upstream that is deleted. Any phase. */
export function forget_old_places(name: string, { row }: Document): void {
  if (shared_memory()[row_at(row) + UpstreamRow.OLD_PLACES] > 0) delete_report(key_of(name));
}

/** Returns an upstream that may have addresses which the rules concern; undefined: it has none. */
function document_to_check(name: string): Document | undefined {
  const text = get_text(name);
  if (text === undefined) return undefined;
  if (limits_servers(address_rules())) return parse_document(text);
  // Without a `guard` only registries and webhooks are concerned, which most upstreams do not have.
  const [end] = string.find(text, "\n", 1, true);
  const head = string.sub(text, 1, end);
  const has_service =
    string.find(head, '"discovery":', 1, true)[0] !== undefined ||
    string.find(head, '"webhook":', 1, true)[0] !== undefined;
  return has_service ? parse_head(text)[0] : undefined;
}

/** Records the old addresses of all upstreams, and logs a warning if there are any. Phase: init_by_lua. */
export function note_old_places(): void {
  const found: string[] = [];
  for (const name of list_names()) {
    const document = document_to_check(name);
    if (document !== undefined && note_places(name, document)) found.push(name);
  }
  if (found.length === 0) return;
  table.sort(found);
  const shown = table.concat(found, ", ", 1, math.min(found.length, MOST_NAMES));
  const more = found.length > MOST_NAMES ? ` and ${found.length - MOST_NAMES} more` : "";
  ngx.log(
    ngx.WARN,
    `sluice: the state has addresses that guard does not allow: ${shown}${more}; the first is: ${get_report(key_of(found[0])) ?? ""}`,
  );
}

/** Says which addresses an upstream keeps although the rules do not allow them; undefined: none. */
export function old_places(name: string, { row }: Document): string | undefined {
  const count = shared_memory()[row_at(row) + UpstreamRow.OLD_PLACES];
  if (count === 0) return undefined;
  const first = get_report(key_of(name)) ?? "";
  return `the upstream has ${string.format("%d", count)} addresses from before guard excluded them; the first is: ${first}`;
}

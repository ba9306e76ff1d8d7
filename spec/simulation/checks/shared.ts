import type { Version } from "../../unit/support/etcd";
import { token_text, type Operation, type Result } from "../operations";
import { log_of, version_at, versions_of, type Etcd } from "../world/etcd";
import { count, fail, type World } from "../world/world";
import { check_history, type Call } from "./linearizable";

/**
 * Checks the answers of gateways that share their state: the versions of the keys in etcd show what was
 * made, and in which order.
 */

export interface SharedSent {
  operation: Operation;
  began: number;
  ended: number;
  result: Result | undefined;
}

/** Returns etcd's revision in an ETag or a document's version; 0: there is none. */
export function revision_in(tag: string): number {
  return tonumber(string.match(tag, "[-.](%d+)")[0]) ?? 0;
}

/** Tells whether a version was put back after etcd had lost it, so that it is no new change. */
export function is_put_back({ value }: Version): boolean {
  return string.find(value ?? "", "\norigin=", 1, true)[0] !== undefined;
}

/**
 * Returns etcd's revisions of the versions that the request with a token made, the oldest first. A new
 * upstream is made a second time if the first answer is lost and another request deletes it meanwhile.
 */
function all_made_by(etcd: Etcd, key: string, token: number): number[] {
  const text = token_text(token);
  const made: number[] = [];
  let was_there = false;
  for (const version of log_of(etcd, key)) {
    const { value, revision } = version;
    const is_there = value !== undefined && string.find(value, text, 1, true)[0] !== undefined;
    if (is_there && !was_there && !is_put_back(version)) made.push(revision);
    was_there = is_there;
  }
  return made;
}

/** Returns the last of these revisions; undefined: the request made none. */
function made_by(etcd: Etcd, key: string, token: number): number | undefined {
  const made = all_made_by(etcd, key, token);
  return made[made.length - 1];
}

/** Checks an answer when it arrives. */
export function note_shared_answer(etcd: Etcd, prefix: string, sent: SharedSent, result: Result): void {
  const { world } = etcd;
  sent.result = result;
  sent.ended = world.now;
  const { kind, names, token } = sent.operation;
  const { problem, tag } = result;
  count(world, problem === undefined ? "answers" : `answers ${problem.status}`);
  if (kind === "read" || kind === "delete") return;
  for (const name of names) {
    const made = made_by(etcd, prefix + name, token);
    const is_refused = problem !== undefined && problem.status < 500;
    if (is_refused && made !== undefined)
      fail(world, "a change that was made is not refused", `request ${token}: ${problem.text}`);
    if (problem === undefined && made === undefined)
      fail(world, "an acknowledged change is in etcd", `request ${token} is not there`);
    if (problem === undefined && tag !== "" && made !== undefined && made !== revision_in(tag))
      fail(world, "an answer has the version of its change", `request ${token}: ${tag}, and not ${made}`);
  }
}

/** Returns the changes that a request has made, or may have made. */
function calls_of(etcd: Etcd, key: string, name: string, sent: SharedSent): Call[] {
  const { operation, began, ended, result } = sent;
  const { kind, token, match, names } = operation;
  const problem = result?.problem;
  if (kind === "read" || (problem !== undefined && problem.status < 500)) return [];
  const is_known = result !== undefined && problem === undefined;
  const made =
    kind === "delete" ? [""] : all_made_by(etcd, key, token).map((revision) => string.format("%d", revision));
  const has_match = match !== undefined && names[0] === name;
  const expects = has_match ? string.format("%d", revision_in(match)) : undefined;
  return made.map((makes) => ({
    ...{ began, ended: is_known ? ended : math.huge, expects, differs: false, makes },
    is_optional: !is_known,
    text: `${token} ${kind}${has_match ? ` if ${match}` : ""} -> ${makes}`,
  }));
}

/** Checks that the changes have one order in which each is true. */
export function check_shared(
  etcd: Etcd,
  prefix: string,
  all: readonly SharedSent[],
  names: readonly string[],
): void {
  for (const name of names) {
    const key = prefix + name;
    const calls: Call[] = [];
    for (const sent of all) {
      if (sent.operation.names.includes(name)) calls.push(...calls_of(etcd, key, name, sent));
    }
    const [first] = versions_of(etcd, key);
    const is_seed = (first?.value ?? "").includes("10.0.0.9");
    const wrong = check_history(calls, is_seed ? string.format("%d", first.revision) : "");
    if (wrong !== undefined) fail(etcd.world, "If-Match is linearizable", `${name}: ${wrong}`);
  }
}

/** Checks in the end that a gateway has what etcd has. */
export function check_equal(
  world: World,
  etcd: Etcd,
  key: string,
  gateway: string,
  text: string | undefined,
): void {
  const wanted = version_at(etcd, key)?.revision ?? 0;
  const [there_text] = string.match(text ?? "", '"cluster_revision":"([%x.]+)"');
  const there = revision_in(there_text ?? "");
  if (there !== wanted)
    fail(
      world,
      "all gateways become equal",
      `${gateway} has ${key} at ${there_text ?? 0}, and etcd has it at ${wanted}`,
    );
}

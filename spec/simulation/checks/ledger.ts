import type { Gateway } from "../gateway";
import { new_observer, type Observer, type State } from "../observer";
import { token_text, type Operation, type Result } from "../operations";
import { running_process } from "../world/process";
import { count, fail, type World } from "../world/world";
import { check_history, type Call } from "./linearizable";

/**
 * Keeps what a gateway has published and acknowledged, and checks that nothing of it is lost or reordered:
 * each revision follows the one before, a restart loads what was there, and each answer is true.
 */

/** A request that a client has sent. */
export interface Sent {
  operation: Operation;
  began: number;
  ended: number;
  result: Result | undefined;
  /** The highest revision that was acknowledged before it was sent. */
  acknowledged: number;
}

export interface Ledger {
  world: World;
  gateway: Gateway;
  observer: Observer | undefined;
  /** The state after each revision. */
  states: LuaTable<number, State>;
  last: number;
  acknowledged: number;
  sent: Sent[];
  /** The revisions of upstreams at the beginning of the history. */
  first: LuaTable<string, string>;
  /** True: power was lost while changes were not synced, so acknowledged ones may be lost. */
  may_lose: boolean;
  /** True: a start has created the upstreams of `setup`. */
  has_started: boolean;
}

export function new_ledger(gateway: Gateway): Ledger {
  const { world } = gateway;
  return {
    ...{ world, gateway, observer: undefined, states: new LuaTable(), last: 0, acknowledged: 0 },
    ...{ sent: [], first: new LuaTable(), may_lose: false, has_started: false },
  };
}

function differences(state: State, expected: State): string | undefined {
  for (const [name, text] of pairs(expected)) {
    if (state.get(name) !== text) return `${name} is ${tostring(state.get(name))} instead of ${text}`;
  }
  for (const [name] of pairs(state)) {
    if (!expected.has(name)) return `${name} should not exist`;
  }
  return undefined;
}

function state_at({ states }: Ledger, revision: number): State | undefined {
  return states.get(revision);
}

/**
 * Notes the states that the changes of a group have made, none of which was visible, and checks that they
 * lead to the visible one.
 */
function note_group(ledger: Ledger, revision: number, state: State): void {
  const { world, last, observer } = ledger;
  if (revision === last + 1) return;
  count(world, "groups");
  let reached = state_at(ledger, last) ?? new LuaTable<string, string>();
  for (const made of $range(last + 1, revision)) {
    const after = observer?.state_after(reached, made);
    if (after === undefined) {
      fail(world, "revisions follow each other", `revision ${revision} follows ${last}`);
      return;
    }
    reached = after;
    ledger.states.set(made, after);
  }
  const wrong = differences(state, reached);
  if (wrong !== undefined)
    fail(world, "a group makes all of its changes", `revisions ${last + 1} to ${revision}: ${wrong}`);
}

/** Checks what a start has loaded. */
function note_loaded(ledger: Ledger, revision: number, state: State): void {
  const { world, last, may_lose } = ledger;
  const expected = state_at(ledger, revision);
  const least = may_lose ? 0 : last;
  if (revision < least) {
    fail(world, "no acknowledged change is lost", `revision ${revision} was loaded after ${last}`);
  } else if (expected !== undefined) {
    const wrong = differences(state, expected);
    if (wrong !== undefined) fail(world, "a restart loads the state", `revision ${revision}: ${wrong}`);
  } else {
    note_group(ledger, revision, state);
  }
  if (revision < last) {
    count(world, "changes without fsync were lost");
    ledger.has_started = false;
    check_requests(ledger);
    for (const lost of $range(revision + 1, last)) ledger.states.delete(lost);
    begin_history(ledger, state, revision);
  }
  ledger.may_lose = false;
}

/** Begins the history of requests anew. */
function begin_history(ledger: Ledger, state: State, revision: number): void {
  ledger.sent = [];
  ledger.acknowledged = revision;
  ledger.first = new LuaTable();
  for (const [name] of pairs(state)) ledger.first.set(name, version_in(state, name));
}

/** Returns the revision of an upstream in a state; "": it does not exist. */
function version_in(state: State | undefined, name: string): string {
  const text = state?.get(name);
  return string.match(text ?? "", '"revision":(%d+)')[0] ?? "";
}

/** Notes that nginx has started: `setup` may have created upstreams. */
export function note_start(ledger: Ledger): void {
  ledger.has_started = true;
  const state = state_at(ledger, ledger.last);
  if (state !== undefined && ledger.sent.length === 0) begin_history(ledger, state, ledger.last);
}

/** Notes that a revision is visible. Called at that moment. */
export function note_revision(ledger: Ledger): void {
  const { world, gateway } = ledger;
  const is_load = ledger.observer === undefined;
  const observer = ledger.observer ?? new_observer(gateway);
  ledger.observer = observer;
  const revision = observer.revision();
  const state = observer.state();
  if (is_load) {
    note_loaded(ledger, revision, state);
  } else if (revision === ledger.last) {
    // The writer died between the last steps of a write, and another worker has repeated them.
    const wrong = differences(state, state_at(ledger, revision) ?? state);
    if (wrong !== undefined) fail(world, "revisions follow each other", `${revision} has changed: ${wrong}`);
  } else if (revision < ledger.last) {
    fail(world, "revisions follow each other", `revision ${revision} follows ${ledger.last}`);
  } else if (revision > ledger.last + 1) {
    note_group(ledger, revision, state);
  } else if (ledger.has_started && running_process()?.pid === gateway.master_pid) {
    fail(world, "a deleted seed stays deleted", `a start has made revision ${revision}`);
  }
  ledger.last = revision;
  ledger.states.set(revision, state);
}

/** Notes that a request is sent. */
export function note_sent(ledger: Ledger, operation: Operation): Sent {
  const { world, acknowledged } = ledger;
  const sent = { operation, began: world.now, ended: math.huge, result: undefined, acknowledged };
  ledger.sent.push(sent);
  return sent;
}

function check_acknowledged(ledger: Ledger, { operation, acknowledged }: Sent, result: Result): void {
  const { world, observer } = ledger;
  const { kind, names, token } = operation;
  const { revision } = result;
  if (kind === "read") {
    const [name] = names;
    const there = version_in(state_at(ledger, acknowledged), name);
    if (there !== "" && revision !== 0 && revision < (tonumber(there) ?? 0))
      fail(world, "a reader sees every change", `${name} at ${revision}, acknowledged was ${there}`);
    return;
  }
  if (kind === "delete") return;
  const state = state_at(ledger, revision);
  if (state === undefined || observer === undefined) {
    fail(world, "an acknowledged change is published", `revision ${revision} of request ${token}`);
    return;
  }
  ledger.acknowledged = math.max(ledger.acknowledged, revision);
  for (const name of names) {
    const text = state.get(name) as string | undefined;
    if (string.find(text ?? "", token_text(token), 1, true)[0] === undefined)
      fail(world, "an acknowledged change is published", `revision ${revision} lacks request ${token}`);
  }
}

/** Notes the answer to a request. */
export function note_answer(ledger: Ledger, sent: Sent, result: Result): void {
  // The history has begun anew meanwhile.
  if (!ledger.sent.includes(sent)) return;
  sent.ended = ledger.world.now;
  sent.result = result;
  count(ledger.world, result.problem === undefined ? "answers" : `answers ${result.problem.status}`);
  if (result.problem === undefined) check_acknowledged(ledger, sent, result);
  else check_refused(ledger, sent.operation);
}

/** Checks that a refused change has changed nothing. */
function check_refused(ledger: Ledger, { kind, names, token }: Operation): void {
  if (kind === "read" || kind === "delete") return;
  const there = names.find((name) => made_by(ledger, name, token) !== undefined);
  if (there !== undefined)
    fail(ledger.world, "a refused change changes nothing", `request ${token}: ${there}`);
}

/** Returns the revision at which an upstream first has the token of a request; undefined: none is known. */
function made_by({ states, last }: Ledger, name: string, token: number): string | undefined {
  const text = token_text(token);
  for (const revision of $range(1, last)) {
    const state = states.get(revision) as State | undefined;
    const there = state?.get(name);
    if (there !== undefined && string.find(there, text, 1, true)[0] !== undefined)
      return string.match(there, '"revision":(%d+)')[0];
  }
  return undefined;
}

function call_of(ledger: Ledger, name: string, sent: Sent): Call | undefined {
  const { operation, began, ended, result } = sent;
  const { kind, token } = operation;
  const match = operation.names[0] === name && kind !== "read" ? operation.match : undefined;
  const [expected] = string.match(match ?? "", "%d+");
  const text = `${token} ${kind}${match === undefined ? "" : ` if ${match}`}`;
  const call: Call = {
    ...{ began, ended, expects: expected, differs: false, makes: undefined, is_optional: false, text },
  };
  if (kind === "read") {
    if (result === undefined) return undefined;
    const version = result.revision === 0 ? "" : string.format("%d", result.revision);
    return { ...call, expects: version, text: `${text} = ${version}` };
  }
  const status = result?.problem?.status;
  if (status === 412 && match === undefined) return undefined;
  if (status === 412) return { ...call, differs: true, text: `${text}: 412` };
  const makes = kind === "delete" ? "" : made_by(ledger, name, token);
  if (status !== undefined || makes === undefined) return undefined;
  const is_optional = kind === "delete" && result === undefined;
  return { ...call, makes, is_optional, text: `${text} -> ${makes ?? "?"}` };
}

/** Checks that the requests so far have one order in which each is true. */
export function check_requests(ledger: Ledger): void {
  const names = new LuaSet<string>();
  for (const { operation } of ledger.sent) for (const name of operation.names) names.add(name);
  for (const name of names) {
    const calls: Call[] = [];
    for (const sent of ledger.sent) {
      const concerns = sent.operation.names.includes(name);
      const call = concerns ? call_of(ledger, name, sent) : undefined;
      if (call !== undefined) calls.push(call);
    }
    const wrong = check_history(calls, ledger.first.get(name) ?? "");
    if (wrong !== undefined) fail(ledger.world, "If-Match is linearizable", `${name}: ${wrong}`);
  }
}

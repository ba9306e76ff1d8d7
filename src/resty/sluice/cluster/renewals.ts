import { seconds_of } from "../config/time";
import * as clock from "../lib/clock";
import { decode, encode, is_table } from "../lib/json";
import { pause_if_long } from "../lib/pause";
import { unexpected, type Schema } from "../lib/schema";
import { ANYTHING, call, ETCD, type EtcdClient } from "../net/etcd/client";
import { expires, extend_to, type NodeRecord } from "../store/document/nodes";
import { new_secret } from "../store/document/secret";
import { follow_registered, new_registered } from "../store/registered";

/**
 * Tells the other gateways once a second which registrations were renewed here, in one key, if there are any.
 * The value holds the time left of each, since clocks differ.
 */

/** No upstream can have such a name. */
const FOLDER = "renewals/";
/** The key of a gateway that is gone disappears after this time, in seconds. */
const LEASE_SECONDS = 600;
/** A lease is used for half of its time. */
const LEASE_USE = LEASE_SECONDS / 2;
const LEASE: Schema = { members: { ID: "digits" } };

const registered = new_registered();
/** The end of each registration that the other gateways know, by upstream and node. */
const known = new LuaTable<string, number | undefined>();
let own_key: string | undefined;
let lease: string | undefined;
let leased = 0;

/** Returns whether a key holds renewals. */
export function is_renewals(prefix: string, key: string): boolean {
  return string.sub(key, prefix.length + 1, prefix.length + FOLDER.length) === FOLDER;
}

function key_below(prefix: string): string {
  own_key ??= `${prefix}${FOLDER}${new_secret()[0] ?? string.format("%d", ngx.worker.pid())}`;
  return own_key;
}

function id_of(upstream: string, { node, incarnation }: NodeRecord): string {
  return `${upstream} ${incarnation} ${node.name}`;
}

/**
 * Returns the times left of the registrations renewed since the last call; `told` receives their ends. Only
 * this file changes `registered`, in one thread, so that the loops over it may pause.
 */
function renewed(now: number, told: LuaTable<string, number>): LuaTable<string, Record<string, number>> {
  follow_registered(registered);
  const all = new LuaTable<string, Record<string, number>>();
  for (const [upstream, nodes] of pairs(registered.nodes)) {
    pause_if_long();
    const left: Record<string, number> = {};
    for (const record of nodes) {
      const end = expires(record);
      const id = id_of(upstream, record);
      if (end > now && end > (known.get(id) ?? 0)) {
        left[record.node.name] = math.floor((end - now) * 1000) / 1000;
        told.set(id, end);
      }
    }
    if (next(left)[0] !== undefined) all.set(upstream, left);
  }
  return all;
}

function forget_gone(): void {
  const there = new LuaSet<string>();
  for (const [upstream, nodes] of pairs(registered.nodes)) {
    pause_if_long();
    for (const record of nodes) there.add(id_of(upstream, record));
  }
  for (const [id] of pairs(known)) {
    if (!there.has(id)) known.delete(id);
  }
}

/** Takes a lease if there is none. Returns the cause when it fails. */
function hold_lease(client: EtcdClient, now: number): string | undefined {
  if (lease !== undefined && now - leased < LEASE_USE) return undefined;
  const [granted, cause] = call<{ ID?: string }>(client, "/v3/lease/grant", { TTL: LEASE_SECONDS }, LEASE);
  if (granted === undefined) return cause;
  if (granted.ID === undefined) return unexpected(ETCD, 'there is no "ID"');
  lease = tostring(granted.ID);
  leased = now;
  forget_gone();
  return undefined;
}

/** Tells the other gateways what was renewed here since the last call. Returns the cause when it fails. */
export function send_renewals(client: EtcdClient, prefix: string): string | undefined {
  const now = clock.now();
  const told = new LuaTable<string, number>();
  const all = renewed(now, told);
  if (next(all)[0] === undefined) return undefined;
  const unleased = hold_lease(client, now);
  if (unleased !== undefined) return unleased;
  const key = ngx.encode_base64(key_below(prefix));
  const body = { key, value: ngx.encode_base64(encode(all)), lease };
  const [sent, cause] = call<object>(client, "/v3/kv/put", body, ANYTHING);
  if (sent === undefined) {
    // An etcd that has lost its data does not know the lease.
    lease = undefined;
    return cause;
  }
  for (const [id, end] of pairs(told)) known.set(id, end);
  return undefined;
}

function apply_to(upstream: string, left: Record<string, unknown>, now: number): void {
  const nodes = registered.nodes.get(upstream) ?? [];
  for (const record of nodes) {
    const seconds = left[record.node.name];
    // No gateway grants more time than the registration has. A larger value is wrong, and would keep the
    // server forever.
    if (typeof seconds === "number" && seconds > 0 && seconds <= seconds_of(record.node.ttl)) {
      extend_to(record, math.max(expires(record), now + seconds));
      known.set(id_of(upstream, record), now + seconds);
    }
  }
}

/** Applies the renewals of another gateway. Phases that can sleep. */
export function apply_renewals(key: string, value: string): void {
  const [all] = decode(value);
  if (key === own_key || !is_table(all)) return;
  const now = clock.now();
  follow_registered(registered);
  for (const [upstream, left] of pairs(all)) {
    pause_if_long();
    if (is_table(left)) apply_to(upstream, left, now);
  }
}

import { SERVER_DEFAULTS } from "../../../src/resty/sluice/config/server";
import type { DnsConfig } from "../../../src/resty/sluice/config/sources/dns";
import { service_entries } from "../../../src/resty/sluice/discovery/dns_services";
import type { Subscription } from "../../../src/resty/sluice/discovery/source";
import { TYPES, type DnsRecord } from "../../../src/resty/sluice/net/dns/message";
import type { Ask } from "../../../src/resty/sluice/net/dns/records";
import { format_document } from "../../../src/resty/sluice/store/document/document";
import { format_line } from "../../../src/resty/sluice/store/document/line";
import type { RowNumber } from "../../../src/resty/sluice/store/memory/cells";
import { put_text } from "../../../src/resty/sluice/store/memory/dict";
import { make_dict } from "../support/dict";
import { expect } from "../support/expect";

const CONFIG: DnsConfig = { name: "app", type: "SRV", resolvers: [], min_ttl: "1s", max_ttl: "60s" };
const ANSWER = { section: 1, ttl: 30 };

/** The answers for the targets `one` and `two`, both at port 80, by question. undefined: a failure. */
type Script = Record<string, string[] | undefined>;

function ask_of(script: Script): Ask {
  return (name, record_type) => {
    const records: DnsRecord[] = [];
    if (record_type === "SRV") {
      for (const target of ["one", "two"])
        records.push({ ...ANSWER, name, type: TYPES.SRV, target, port: 80, weight: 1, priority: 0 });
      return $multi(records, undefined);
    }
    const addresses = script[`${record_type} ${name}`];
    if (addresses === undefined) return $multi(undefined, "it has failed");
    for (const host of addresses) records.push({ ...ANSWER, name, type: TYPES[record_type], host });
    return $multi(records, undefined);
  };
}

/** Creates the upstream with servers from the registry. */
function put_servers(addresses: readonly string[]): void {
  const lines = addresses.map((server, id) => {
    return format_line({
      ...SERVER_DEFAULTS,
      server,
      source: "discovery",
      id,
      incarnation: 1,
      row: (2 + id) as RowNumber,
    });
  });
  const head = {
    revision: 1,
    next_id: lines.length,
    row: 1 as RowNumber,
    method: "round_robin" as const,
    leavers: [],
  };
  put_text("app", format_document({ ...head, lines }));
}

/** Looks up the servers once, with all questions due, and applies them to the upstream. */
function look_up(subscription: Subscription, script: Script): string[] {
  for (const [, known] of pairs(subscription.addresses)) known.not_before = 0;
  const [entries] = service_entries(ask_of(script), subscription, CONFIG);
  const servers: string[] = [];
  for (const { server } of entries ?? []) {
    if (server !== undefined) servers.push(server.server);
  }
  put_servers(servers);
  return servers;
}

function subscribe(): Subscription {
  const known = { name: "app", mark: "discovery", addresses: new LuaTable(), earlier: undefined };
  return known as unknown as Subscription;
}

describe("the servers of SRV records when one target has never been answered", () => {
  before_each(make_dict);

  it("do not include servers that an answer has removed from another target", () => {
    put_servers([]);
    const subscription = subscribe();
    const script: Script = { "AAAA one": [], "AAAA two": [] };
    for (const last of [1, 2, 3]) {
      script["A one"] = [`10.0.0.${last}`];
      expect(look_up(subscription, script)).same([`10.0.0.${last}:80`]);
    }
  });

  it("include servers of an earlier run until an answer names and later removes them", () => {
    put_servers(["10.0.0.1:80", "10.0.0.8:80", "10.0.0.9:80"]);
    const subscription = subscribe();
    const script: Script = { "AAAA one": [], "AAAA two": [], "A one": ["10.0.0.1"] };
    const all = ["10.0.0.1:80", "10.0.0.8:80", "10.0.0.9:80"];
    for (const _ of $range(1, 3)) expect(look_up(subscription, script)).same(all);
    script["A one"] = ["10.0.0.2"];
    expect(look_up(subscription, script)).same(["10.0.0.2:80", "10.0.0.8:80", "10.0.0.9:80"]);
    script["A two"] = ["10.0.0.8"];
    expect(look_up(subscription, script)).same(["10.0.0.2:80", "10.0.0.8:80"]);
  });
});

describe("the servers of SRV records that share a target", () => {
  before_each(make_dict);

  it("are at most 10,000", () => {
    const records: DnsRecord[] = [];
    for (const port of $range(1, 101))
      records.push({ ...ANSWER, name: "app", type: TYPES.SRV, target: "one", port, weight: 1, priority: 0 });
    const hosts: DnsRecord[] = [];
    const ask: Ask = (_, record_type) => {
      if (record_type === "SRV") return $multi(records, undefined);
      return $multi(record_type === "A" ? hosts : [], undefined);
    };
    for (const _ of $range(1, 99)) hosts.push({ ...ANSWER, name: "one", type: TYPES.A, host: "127.9.0.1" });
    expect(service_entries(ask, subscribe(), CONFIG)[0]?.length).equal(9999);
    hosts.push(hosts[0]);
    const [entries, , cause] = service_entries(ask, subscribe(), CONFIG);
    expect(entries).equal(undefined);
    expect(cause).equal("the name has more than 10000 servers");
  });
});

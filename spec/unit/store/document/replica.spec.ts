import { SERVER_DEFAULTS, type ServerConfig } from "../../../../src/resty/sluice/config/server";
import { FIRST_LOCAL_ID } from "../../../../src/resty/sluice/store/document/clustered";
import type { Document } from "../../../../src/resty/sluice/store/document/document";
import { format_line, parse_line } from "../../../../src/resty/sluice/store/document/line";
import {
  apply_shared,
  parse_shared,
  shared_text,
  type Shared,
} from "../../../../src/resty/sluice/store/document/replica";
import type { RowNumber } from "../../../../src/resty/sluice/store/memory/cells";
import { create } from "../../../../src/resty/sluice/store/memory/region";
import { expect } from "../../support/expect";

const REVISION = 30;
const ETCD = "0000000000000012";
const SECRET = "00112233445566778899aabbccddeeff";

function line(id: number, server: string, more: Partial<ServerConfig> = {}): string {
  return format_line({
    ...SERVER_DEFAULTS,
    server,
    ...more,
    id,
    incarnation: 10 + id,
    row: (1 + (id % 100)) as RowNumber,
  });
}

const FIRST = line(0, "10.0.0.1:80", { weight: 3 });
const SECOND = line(1, "10.0.0.2:80");
const NODE = line(2, "10.0.0.3:80", { source: "register", node: { name: "n", ttl: "3s", incarnation: "" } });
const FOUND = line(FIRST_LOCAL_ID, "10.0.0.4:80", { source: "discovery" });

const REGISTRY = { file: { path: "/servers.json" }, max_removal_percent: 50, removal_confirmations: 3 };

function document_of(lines: string[], more: Partial<Document> = {}): Document {
  const discovery = REGISTRY;
  return {
    method: "least_conn",
    discovery,
    revision: 20,
    next_id: 3,
    row: 50 as RowNumber,
    leavers: [],
    lines,
    ...more,
  };
}

const CURRENT = document_of([FIRST, SECOND, NODE, FOUND], { session_secret: SECRET });
const TEXT = shared_text(CURRENT);

function shared_of(document: Document): Shared {
  return parse_shared(shared_text(document))[0] as Shared;
}

/** Returns a document after the shared part of another one was applied. */
function apply(current: Document | undefined, other: Document): Document {
  return apply_shared(current, shared_of(other), { cluster_revision: ETCD }, REVISION)[0] as Document;
}

/** Returns a shared part with further members. */
function value_with(...members: string[]): string {
  return `{${table.concat(['"method":"random"', '"next_id":2', ...members], ",")}}`;
}

function servers_with(items: string): string {
  return value_with(`"servers":[${items}]`);
}

describe("the shared part of an upstream", () => {
  before_each(() => {
    create(64, 4);
  });

  it("consists of its settings and its servers, except servers found in a registry", () => {
    const { settings, servers, next_id, session_secret } = parse_shared(TEXT)[0] as Shared;
    expect(settings.method).equal("least_conn");
    expect(next_id).equal(3);
    expect(session_secret).equal(SECRET);
    const addresses: string[] = [];
    for (const { id, server } of servers) addresses.push(`${id} ${server}`);
    expect(addresses).same(["0 10.0.0.1:80", "1 10.0.0.2:80", "2 10.0.0.3:80"]);
    expect(servers[0].weight).equal(3);
    expect(servers[2].node?.ttl).equal("3s");
  });

  it("does not depend on what belongs to one gateway", () => {
    const elsewhere = line(0, "10.0.0.1:80", { weight: 3 });
    const [moved] = string.gsub(elsewhere, "^0 %d+ %d+", "0 77 9");
    expect(
      shared_text({ ...CURRENT, revision: 99, row: 8 as RowNumber, lines: [moved, SECOND, NODE] }),
    ).equal(TEXT);
    expect(shared_text({ ...CURRENT, lines: [SECOND, NODE] }) === TEXT).equal(false);
  });

  it("contains the finished drain jobs", () => {
    const drained = [{ id: 9, server: "10.0.0.9:80", time: "2026-01-01T00:00:00.000Z" }];
    expect(shared_of({ ...CURRENT, drained }).drained).same(drained);
    expect(apply(CURRENT, { ...CURRENT, drained }).drained).same(drained);
  });

  it("creates the upstream at another gateway", () => {
    const made = apply(undefined, CURRENT);
    expect(shared_text(made)).equal(TEXT);
    expect(made.cluster_revision).equal(ETCD);
    expect(parse_line(made.lines[0]).incarnation).equal(REVISION);
  });

  it("keeps the servers that it contains, and those that this gateway has found", () => {
    const other = document_of([line(0, "10.0.0.1:80", { weight: 5 }), line(3, "10.0.0.9:80")], {
      next_id: 4,
    });
    const { lines, next_id } = apply(CURRENT, other);
    expect(lines.length).equal(3);
    expect(lines[0]).equal(line(0, "10.0.0.1:80", { weight: 5 }));
    expect(parse_line(lines[1]).server).equal("10.0.0.9:80");
    expect(lines[2]).equal(FOUND);
    expect(next_id).equal(4);
  });

  it("keeps a server whose address is spelled differently, and takes the new spelling", () => {
    const { lines } = apply(CURRENT, document_of([line(0, "10.0.0.1:080")]));
    expect(lines[0]).equal(line(0, "10.0.0.1:080"));
  });

  it("replaces a server whose id has another address", () => {
    const { lines } = apply(CURRENT, document_of([line(0, "10.0.0.7:80")]));
    const record = parse_line(lines[0]);
    expect(record.incarnation).equal(REVISION);
    expect(record.server).equal("10.0.0.7:80");
  });

  it("gives servers found before the cluster was joined another id, and removes them with the registry", () => {
    const alone = document_of([line(7, "10.0.0.4:80", { source: "discovery" })]);
    const { lines, next_local_id } = apply(alone, document_of([FIRST]));
    expect(parse_line(lines[1]).id).equal(FIRST_LOCAL_ID);
    expect(parse_line(lines[1]).row).equal(8);
    expect(next_local_id).equal(FIRST_LOCAL_ID + 1);
    const without = document_of([FIRST]);
    without.discovery = undefined as never;
    expect(apply(CURRENT, without).lines.length).equal(1);
  });

  it("replaces the server of a node that has restarted", () => {
    const node = { name: "n", ttl: "3s", incarnation: "2" };
    const [same] = apply(CURRENT, document_of([NODE])).lines;
    expect(same).equal(NODE);
    const restarted = line(2, "10.0.0.3:80", { source: "register", node });
    expect(parse_line(apply(CURRENT, document_of([restarted])).lines[0]).incarnation).equal(REVISION);
  });

  it("replaces a server that this gateway has found at the same address", () => {
    const { lines } = apply(CURRENT, document_of([line(5, "10.0.0.4:080")], { next_id: 6 }));
    expect(lines.length).equal(1);
    expect(parse_line(lines[0]).source).equal("");
  });

  const REFUSED: [what: string, text: string, says: string][] = [
    ["when it is not JSON", "{", "not a JSON object"],
    ["when it is a list", "[]", "next_id"],
    ["without servers", value_with(), '"servers"'],
    ["with servers that are an object", value_with('"servers":{"a":1}'), '"servers"'],
    ["with servers that are an empty object", value_with('"servers":{}'), '"servers"'],
    ["with an unknown method", '{"method":"best","next_id":1,"servers":[]}', '"method"'],
    ["without a method", '{"next_id":1,"servers":[]}', '"method"'],
    ["with an unknown member", value_with('"servers":[],"weigth":2'), '"weigth"'],
    ["with a negative next_id", '{"method":"random","next_id":-5,"servers":[]}', '"next_id"'],
    ["with a fraction as next_id", '{"method":"random","next_id":0.5,"servers":[]}', '"next_id"'],
    ["with a huge next_id", '{"method":"random","next_id":1e308,"servers":[]}', '"next_id"'],
    ["with an invalid server", servers_with('{"id":0,"server":"here"}'), "servers[0]"],
    ["with a server without id", servers_with('{"server":"10.0.0.1:80"}'), '"id"'],
    [
      "with an id that is not below next_id",
      servers_with('{"id":9,"server":"10.0.0.1:80"}'),
      "servers[0].id",
    ],
    ["with an invalid secret", value_with('"servers":[],"session_secret":"x"'), '"session_secret"'],
    [
      "with sticky cookies and no secret",
      value_with('"servers":[],"sticky":{"cookie":{"name":"s"}}'),
      '"session_secret"',
    ],
    [
      "with a duplicate id",
      servers_with('{"id":0,"server":"10.0.0.1:80"},{"id":0,"server":"10.0.0.2:80"}'),
      "servers[1].id",
    ],
    [
      "with a duplicate address",
      servers_with('{"id":0,"server":"10.0.0.1:80"},{"id":1,"server":"10.0.0.1:80"}'),
      "servers[1].server",
    ],
    [
      "with an invalid weight",
      servers_with('{"id":0,"server":"10.0.0.1:80","weight":"heavy"}'),
      "servers[0]",
    ],
    [
      "with a server that the method does not allow",
      servers_with('{"id":0,"server":"10.0.0.1:80","slow_start":"5s"}'),
      "slow_start",
    ],
    [
      "with a node without a name",
      servers_with('{"id":0,"server":"10.0.0.1:80","source":"register"}'),
      '"node"',
    ],
    ["with a decision without a time", value_with('"servers":[],"scaling":{"id":"x"}'), '"scaling.time"'],
    [
      "with a decision whose wait is too long",
      value_with('"servers":[],"scaling":{"id":"x","time":1,"wait":1e300}'),
      '"scaling.wait"',
    ],
  ];
  for (const [what, text, says] of REFUSED) {
    it(`is refused ${what}`, () => {
      const [shared, problem] = parse_shared(text);
      expect(shared).equal(undefined);
      expect(string.find(problem?.text ?? "", says, 1, true)[0] !== undefined).equal(true);
    });
  }

  it("of version 0.1.0 may have a decision with the time until which its call could be under way", () => {
    const [shared] = parse_shared(value_with('"servers":[],"scaling":{"id":"x","time":1,"until":2}'));
    expect(shared?.scaling?.id).equal("x");
    expect((shared?.scaling as Record<string, unknown>).until).equal(undefined);
  });
});

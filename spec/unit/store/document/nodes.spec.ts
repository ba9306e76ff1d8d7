import type { NodeConfig } from "../../../../src/resty/sluice/config/node";
import { SERVER_DEFAULTS, type ServerConfig } from "../../../../src/resty/sluice/config/server";
import type { Document } from "../../../../src/resty/sluice/store/document/document";
import { format_line, parse_line } from "../../../../src/resty/sluice/store/document/line";
import {
  expires,
  find_node,
  leave,
  node_server,
  register,
  renew,
  type NodeRecord,
} from "../../../../src/resty/sluice/store/document/nodes";
import { sourced_addresses } from "../../../../src/resty/sluice/store/document/sourced";
import { Row, type RowNumber } from "../../../../src/resty/sluice/store/memory/cells";
import { create, row_at, shared_memory } from "../../../../src/resty/sluice/store/memory/region";
import { make_dict } from "../../support/dict";
import { expect } from "../../support/expect";

const NOW = 1000;
const REVISION = 30;

function server(
  address: string,
  node: Partial<NodeConfig> = {},
  more: Partial<ServerConfig> = {},
): ServerConfig {
  return node_server(
    { ...SERVER_DEFAULTS, server: address, ...more },
    { name: "one", ttl: "5s", incarnation: "", ...node },
  );
}

const HAND = format_line({
  ...SERVER_DEFAULTS,
  server: "10.0.0.1:80",
  id: 0,
  incarnation: 7,
  row: 40 as RowNumber,
});

function document_of(lines: string[]): Document {
  return { method: "round_robin", revision: 20, next_id: 1, row: 41 as RowNumber, leavers: [], lines };
}

function text_of(document: Document): string {
  return table.concat(document.lines, "\n");
}

function registered(current: Document, wanted: ServerConfig): Document {
  const [document] = register(current, wanted, NOW, REVISION);
  return document as Document;
}

function one_of(document: Document): NodeRecord {
  return find_node(text_of(document), "one") as NodeRecord;
}

describe("a server that registers itself", () => {
  before_each(() => {
    make_dict();
    create(64, 4);
  });

  it("is found by its name, and not by its `meta`", () => {
    const trick = server("10.0.0.2:80", { name: "two", meta: { name: "one", ttl: "5s" } });
    const document = registered(document_of([HAND]), trick);
    expect(one_of(document)).equal(undefined);
    const both = registered(document, server("10.0.0.3:80"));
    expect(one_of(both).server).equal("10.0.0.3:80");
    expect(find_node(text_of(both), "two")?.server).equal("10.0.0.2:80");
  });

  it("is registered for its ttl, which each renewal extends", () => {
    const document = registered(document_of([HAND]), server("10.0.0.2:80"));
    expect(expires(one_of(document))).equal(NOW + 5);
    shared_memory()[row_at(one_of(document).row) + Row.STAMP] = REVISION;
    expect(renew(text_of(document), server("10.0.0.2:80"), NOW + 2)?.id).equal(1);
    expect(expires(one_of(document))).equal(NOW + 7);
  });

  it("is the same server when its address is spelled differently", () => {
    const document = registered(document_of([HAND]), server("[::1]:80"));
    const again = registered(document, server("[0::1]:080"));
    expect(again.lines.length).equal(2);
    expect(one_of(again)).same({ ...one_of(document), server: "[0::1]:080" });
    const [, problem] = register(again, server("[::1]:80", { name: "two" }), NOW, REVISION);
    expect(problem?.text).equal('entry exists: the upstream has a server "[0::1]:080"');
  });

  it("cannot be renewed without a write when it has changed, expired or been removed", () => {
    const text = text_of(registered(document_of([HAND]), server("10.0.0.2:80")));
    expect(renew(text, server("10.0.0.2:80", {}, { weight: 2 }), NOW)).equal(undefined);
    expect(renew(text, server("10.0.0.2:80", { ttl: "6s" }), NOW)).equal(undefined);
    expect(renew(text, server("10.0.0.2:80", { name: "two" }), NOW)).equal(undefined);
    expect(renew(text, server("10.0.0.2:80"), NOW + 5)).equal(undefined);
    const { row } = find_node(text, "one") as NodeRecord;
    shared_memory()[row_at(row) + Row.STAMP] = 99;
    expect(renew(text, server("10.0.0.2:80"), NOW)).equal(undefined);
  });

  it("is the same server with other parameters, but a new one with another address or incarnation", () => {
    const document = registered(document_of([HAND]), server("10.0.0.2:80"));
    const before = one_of(document);
    const heavier = one_of(registered(document, server("10.0.0.2:80", {}, { weight: 9 })));
    expect([heavier.id, heavier.row, heavier.weight]).same([before.id, before.row, 9]);
    for (const changed of [
      server("10.0.0.3:80"),
      server("10.0.0.2:80", { incarnation: "2" }),
      server("10.0.0.2:80", {}, { backup: true }),
    ]) {
      const after = one_of(registered(document, changed));
      expect(after.id).equal(before.id);
      expect(after.row === before.row).equal(false);
    }
  });

  it("is refused at the address of another server", () => {
    const document = registered(document_of([HAND]), server("10.0.0.2:80"));
    for (const taken of ["10.0.0.1:80", "10.0.0.2:80"]) {
      const [, problem] = register(document, server(taken, { name: "two" }), NOW, REVISION);
      expect(problem?.code).equal("EntryExists");
    }
  });

  it("does not belong to a registry, whatever its `meta` contains", () => {
    const document = registered(
      document_of([HAND]),
      server("10.0.0.2:80", { meta: { source: "discovery" } }),
    );
    expect(sourced_addresses(document, "discovery")).same([]);
    expect(sourced_addresses(document, "register")).same(["10.0.0.2:80"]);
  });

  it("is removed when it leaves, and no other server is", () => {
    const document = registered(document_of([HAND]), server("10.0.0.2:80"));
    const [left] = leave(document, "one");
    expect(left?.lines).same([HAND]);
    expect(leave(left as Document, "one")[1]?.code).equal("NodeNotFound");
    expect(parse_line(HAND).source).equal("");
  });
});

import { SERVER_DEFAULTS, type ServerConfig } from "../../../../src/resty/sluice/config/server";
import type { Document } from "../../../../src/resty/sluice/store/document/document";
import {
  format_line,
  has_sourced,
  source_in,
  parse_line,
  type SourceMark,
} from "../../../../src/resty/sluice/store/document/line";
import {
  fitting_servers as fitting,
  replace_sourced as replace_portion,
  sourced_addresses,
  wanted_server,
  type Misfit,
  type Portion,
} from "../../../../src/resty/sluice/store/document/sourced";
import type { RowNumber } from "../../../../src/resty/sluice/store/memory/cells";
import { create } from "../../../../src/resty/sluice/store/memory/region";
import { expect } from "../../support/expect";

const REVISION = 30;

function server(address: string, more: Partial<ServerConfig> = {}): ServerConfig {
  return { ...SERVER_DEFAULTS, server: address, source: "discovery", ...more };
}

function line(id: number, parameters: ServerConfig): string {
  return format_line({ ...parameters, id, incarnation: 10 + id, row: (100 + id) as RowNumber });
}

function fitting_servers(
  current: Document,
  source: SourceMark,
  servers: ServerConfig[],
  misfits: Misfit[],
): ServerConfig[] {
  const wanted = servers.map((config) => wanted_server(config));
  return fitting(current, source, wanted, misfits).map(({ config }) => config);
}

function replace_sourced(
  current: Document,
  source: SourceMark,
  servers: ServerConfig[],
  keeps_others: boolean,
  revision: number,
  portion: Portion = { most: math.huge, is_last: true },
): ReturnType<typeof replace_portion> {
  const wanted = servers.map((config) => wanted_server(config));
  return replace_portion(current, source, wanted, keeps_others, revision, portion);
}

const HAND = line(0, server("10.0.0.1:80", { source: "" }));
const FIRST = line(1, server("10.0.0.2:80"));
const SECOND = line(2, server("10.0.0.3:80", { weight: 2 }));
const NODE = line(
  3,
  server("10.0.0.4:80", { source: "register", node: { name: "n", ttl: "1s", incarnation: "" } }),
);

function document_of(lines: string[], more: Partial<Document> = {}): Document {
  return {
    method: "round_robin",
    revision: 20,
    next_id: 4,
    row: 3 as RowNumber,
    leavers: [],
    lines,
    ...more,
  };
}

const CURRENT = document_of([HAND, FIRST, SECOND, NODE]);

/** Returns the lines of `CURRENT` after the servers of its registry were replaced. */
function replace(wanted: ServerConfig[], keeps_others = false, misfits: Misfit[] = []): string[] {
  const fitting = fitting_servers(CURRENT, "discovery", wanted, misfits);
  const [document] = replace_sourced(CURRENT, "discovery", fitting, keeps_others, REVISION);
  expect(CURRENT.lines).same([HAND, FIRST, SECOND, NODE]);
  return (document as Document).lines;
}

describe("the servers of a source", () => {
  before_each(() => {
    create(64, 4);
  });

  it("are recognized by `source`", () => {
    expect(sourced_addresses(CURRENT, "discovery")).same(["10.0.0.2:80", "10.0.0.3:80"]);
    expect(sourced_addresses(CURRENT, "register")).same(["10.0.0.4:80"]);
    expect(has_sourced(HAND, "discovery")).equal(false);
    expect(has_sourced(NODE, "discovery")).equal(false);
    expect(source_in(HAND)).equal("");
    expect(source_in(NODE)).equal("register");
  });

  it("are not recognized by a text that resembles `source`", () => {
    const tricks = [
      'unix:/a","source":"discovery"',
      'unix:/"source":"discovery"',
      'unix:/a\\","source":"discovery"',
    ];
    for (const address of tricks)
      expect(has_sourced(line(5, server(address, { source: "" })), "discovery")).equal(false);
    const route = server("10.0.0.1:80", { source: "", route: '","source":"discovery"' });
    expect(has_sourced(line(5, route), "discovery")).equal(false);
  });

  it("stay unchanged when the source wants the same servers", () => {
    const same = [server("10.0.0.3:80", { weight: 2 }), server("10.0.0.2:80")];
    expect(replace(same)).same(CURRENT.lines);
    expect(replace(same, true)).same(CURRENT.lines);
  });

  it("are removed when the source no longer wants them, and no other server is", () => {
    expect(replace([server("10.0.0.2:80")])).same([HAND, FIRST, NODE]);
    expect(replace([])).same([HAND, NODE]);
    expect(replace_sourced(CURRENT, "register", [], false, REVISION)[0]?.lines).same([HAND, FIRST, SECOND]);
  });

  it("stay without being wanted if removals are not allowed", () => {
    expect(replace([server("10.0.0.2:80")], true)).same(CURRENT.lines);
    expect(replace([], true)).same(CURRENT.lines);
  });

  it("keep their ids and their order when parameters change", () => {
    const lines = replace([server("10.0.0.2:80", { weight: 7, down: true }), server("10.0.0.3:80")], true);
    expect(lines).same([
      HAND,
      line(1, server("10.0.0.2:80", { weight: 7, down: true })),
      line(2, server("10.0.0.3:80")),
      NODE,
    ]);
  });

  it("stay when their addresses are spelled differently, and take the new spelling", () => {
    const current = document_of([line(1, server("[::1]:80")), line(2, server("10.0.0.3:80"))]);
    const wanted = [server("[0:0::1]:080"), server("10.0.0.3:080", { weight: 2 })];
    const misfits: Misfit[] = [];
    expect(fitting_servers(current, "discovery", wanted, misfits)).same(wanted);
    expect(misfits).same([]);
    const lines = [line(1, server("[0:0::1]:080")), line(2, server("10.0.0.3:080", { weight: 2 }))];
    expect(replace_sourced(current, "discovery", wanted, false, REVISION)[0]?.lines).same(lines);
    expect(replace_sourced(current, "discovery", wanted, true, REVISION)[0]?.lines).same(lines);
  });

  it("are added at the end, each with a new id and a new row", () => {
    const wanted = [server("10.0.0.9:80"), server("10.0.0.2:80"), server("10.0.0.8:80", { weight: 3 })];
    const [document] = replace_sourced(CURRENT, "discovery", wanted, true, REVISION);
    expect(document?.next_id).equal(6);
    expect(document?.lines.slice(0, 4)).same(CURRENT.lines);
    const added = document?.lines.slice(4).map((text) => parse_line(text)) ?? [];
    expect(added.map((record) => record.server)).same(["10.0.0.9:80", "10.0.0.8:80"]);
    expect(added.map(({ id }) => id)).same([4, 5]);
    expect(added.map(({ incarnation }) => incarnation)).same([REVISION, REVISION]);
    expect(added[0].row === added[1].row).equal(false);
    expect(added[1].weight).equal(3);
    expect(added[1].source).equal("discovery");
  });

  it("become other servers when they change between primary and backup", () => {
    const wanted = [server("10.0.0.2:80", { backup: true }), server("10.0.0.3:80", { weight: 2 })];
    for (const keeps_others of [true, false]) {
      const lines = replace(wanted, keeps_others);
      expect(lines.slice(0, 3)).same([HAND, SECOND, NODE]);
      expect(lines.length).equal(4);
      const { id, server: address, backup } = parse_line(lines[3]);
      expect([id, address, backup]).same([4, "10.0.0.2:80", true]);
    }
  });

  it("are refused at an address of another source's server", () => {
    const misfits: Misfit[] = [];
    const wanted = [server("10.0.0.1:080"), server("10.0.0.2:80"), server("10.0.0.4:80")];
    expect(replace(wanted, false, misfits)).same([HAND, FIRST, NODE]);
    const reason = "this address already belongs to another server of the upstream";
    expect(misfits).same([
      { server: "10.0.0.1:080", reason },
      { server: "10.0.0.4:80", reason },
    ]);
  });

  it("are refused with parameters that the method does not allow", () => {
    const current = document_of([FIRST], { method: "random" });
    const misfits: Misfit[] = [];
    const wanted = [server("10.0.0.2:80"), server("10.0.0.9:80", { slow_start: "5s" })];
    const fitting = fitting_servers(current, "discovery", wanted, misfits);
    const [document] = replace_sourced(current, "discovery", fitting, false, REVISION);
    expect(document?.lines).same([FIRST]);
    expect(misfits).same([
      { server: "10.0.0.9:80", reason: 'invalid "slow_start": cannot be combined with the method "random"' },
    ]);
  });

  it("may have paths with quotes", () => {
    for (const path of ['unix:/a"b', 'unix:/a"', 'unix:/"', "unix:/a\\", 'unix:/a\\"']) {
      const there = line(1, server(path));
      const current = document_of([there]);
      expect(replace_sourced(current, "discovery", [server(path)], false, REVISION)[0]?.lines).same([there]);
      const heavier = server(path, { weight: 2 });
      expect(replace_sourced(current, "discovery", [heavier], false, REVISION)[0]?.lines).same([
        line(1, heavier),
      ]);
    }
  });

  it("keep their drain jobs while they drain", () => {
    const leaving = line(1, server("10.0.0.2:80", { drain: true, leave_by: "idle" }));
    const current = document_of([leaving]);
    const drains = [server("10.0.0.2:80", { drain: true, weight: 2 })];
    const [after] = replace_sourced(current, "discovery", drains, false, REVISION);
    expect(parse_line((after as Document).lines[0]).leave_by).equal("idle");
    const serves = [server("10.0.0.2:80")];
    const [ended] = replace_sourced(current, "discovery", serves, false, REVISION);
    expect(parse_line((ended as Document).lines[0]).leave_by).equal("");
  });

  it("are all added, or none if memory is exhausted", () => {
    create(2, 4);
    const wanted = [1, 2, 3, 4, 5].map((number) => server(`10.1.0.${number}:80`));
    for (const _ of $range(1, 3)) {
      const [document, problem] = replace_sourced(CURRENT, "discovery", wanted, true, REVISION);
      expect(document).equal(undefined);
      expect(problem?.code).equal("UpstreamOutOfMemory");
    }
    const [document] = replace_sourced(CURRENT, "discovery", [server("10.1.0.1:80")], true, REVISION);
    expect(document?.lines.length).equal(5);
  });

  it("arrive in portions, and the last portion removes unwanted servers", () => {
    const wanted = ["10.0.0.2:80", "10.2.0.1:80", "10.2.0.2:80", "10.2.0.3:80"].map((address) =>
      server(address, { weight: 5 }),
    );
    let current = CURRENT;
    const counts: number[] = [];
    for (const _ of $range(1, 2)) {
      const portion: Portion = { most: 2, is_last: true };
      const [document] = replace_sourced(current, "discovery", wanted, false, REVISION, portion);
      current = document as Document;
      counts.push(current.lines.length);
      expect(portion.is_last).equal(counts.length === 2);
    }
    expect(counts).same([5, 6]);
    expect(sourced_addresses(current, "discovery")).same(wanted.map((each) => each.server));
    expect(current.lines[1]).equal(line(1, wanted[0]));
  });
});

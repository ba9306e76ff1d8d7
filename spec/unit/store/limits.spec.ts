import "../support/nginx_stub";

import { read_upstream } from "../../../src/resty/sluice/config/upstream";
import * as clock from "../../../src/resty/sluice/lib/clock";
import { decode } from "../../../src/resty/sluice/lib/json";
import { difference } from "../../../src/resty/sluice/store/document/difference";
import { format_document, type Document } from "../../../src/resty/sluice/store/document/document";
import { parse_line } from "../../../src/resty/sluice/store/document/line";
import { read } from "../../../src/resty/sluice/store/document/read";
import { replace_upstream } from "../../../src/resty/sluice/store/document/replace";
import { SETUP } from "../../../src/resty/sluice/store/history/author";
import { restore_limits } from "../../../src/resty/sluice/store/limits";
import { type Cell, Row, UpstreamRow } from "../../../src/resty/sluice/store/memory/cells";
import { Header } from "../../../src/resty/sluice/store/memory/header_cells";
import { Check, State } from "../../../src/resty/sluice/store/memory/states";
import { get_events, remember } from "../../../src/resty/sluice/store/memory/dict";
import { create, row_at, shared_memory } from "../../../src/resty/sluice/store/memory/region";
import { allocate_row } from "../../../src/resty/sluice/store/memory/rows";
import { begin_write, repair } from "../../../src/resty/sluice/store/unfinished";
import { write_under_lock } from "../../../src/resty/sluice/store/write";
import { stage_text } from "../../../src/resty/sluice/store/memory/staging";
import { ChangeKind } from "../../../src/resty/sluice/store/memory/upstream_change";
import { make_dict } from "../support/dict";
import { expect } from "../support/expect";

const A = "10.0.0.1:80";
const B = "10.0.0.2:80";
const LIMITS = "its limits have changed";
const EJECTION = "its ejection is over";

before_each(() => {
  make_dict();
  create(64, 4);
  remember("last_event", 0);
});

/**
 * Returns the document of an upstream after its replacement. Its rows are allocated, and nothing is stored.
 */
function edited(config: object): Document {
  const [upstream] = read_upstream(config);
  const revision = shared_memory()[Header.REVISION] + 1;
  const [document] = replace_upstream(read("app"), upstream ?? error("no upstream", 0), revision);
  return document ?? error("no document", 0);
}

/** Writes the upstream. */
function put(config: object): void {
  const [document, problem] = write_under_lock("app", SETUP, () => $multi(edited(config), undefined));
  if (document === undefined) error(problem?.text ?? "nothing was written", 0);
}

/** Returns the size of the shared memory that this process has touched. */
function shared_kilobytes(): number {
  const [file] = io.open("/proc/self/status");
  const text = file?.read("*a") ?? "";
  file?.close();
  return tonumber(string.match(text, "RssShmem:%s+(%d+)")[0]) ?? error("no size", 0);
}

/** Returns the cells of the server at an address. */
function row_of(address: string): Cell {
  for (const line of read("app")?.lines ?? []) {
    const { server, row } = parse_line(line);
    if (server === address) return row_at(row);
  }
  return error(`there is no server ${address}`, 0);
}

function cell(address: string, name: Row): number {
  return shared_memory()[row_of(address) + name];
}

/** Sets cells of a server, as a worker does before it concludes. */
function note(address: string, cells: Partial<Record<Row, number>>): void {
  for (const [name, value] of pairs(cells)) shared_memory()[row_of(address) + name] = value;
}

/** Returns the reasons of all events. */
function reasons(): string[] {
  return get_events().map((text) => (decode(text)[0] as { reason: string }).reason);
}

/** Makes a server unavailable by one failure, for an hour. */
function fail(address: string): void {
  const now = clock.now();
  const until = now + 3600;
  note(address, { [Row.FAILS]: 1, [Row.FAILED_AT]: now, [Row.TRIED_AT]: now });
  note(address, { [Row.STATE]: State.UNAVAIL, [Row.UNAVAILABLE_UNTIL]: until });
}

/** Ejects a server for an hour. */
function eject(address: string): void {
  const until = clock.now() + 3600;
  note(address, { [Row.EJECTED_UNTIL]: until, [Row.STATE]: State.UNAVAIL, [Row.UNAVAILABLE_UNTIL]: until });
}

describe("a write", () => {
  it("sets the limits of new servers, with nginx's defaults", () => {
    put({ servers: [{ server: A }, { server: B, max_fails: 0, fail_timeout: "1m" }] });
    expect([cell(A, Row.MAX_FAILS), cell(A, Row.FAIL_TIMEOUT)]).same([1, 10]);
    expect([cell(B, Row.MAX_FAILS), cell(B, Row.FAIL_TIMEOUT)]).same([0, 60]);
  });

  it("sets the changed limits, and concludes the states of these servers once", () => {
    put({ servers: [{ server: A }, { server: B }] });
    fail(A);
    put({ servers: [{ server: A, max_fails: 3 }, { server: B }] });
    expect(cell(A, Row.STATE)).equal(State.UP);
    expect(cell(A, Row.UNAVAILABLE_UNTIL)).equal(0);
    put({ servers: [{ server: A, max_fails: 1, fail_timeout: "2h" }, { server: B }] });
    expect(cell(A, Row.STATE)).equal(State.UNAVAIL);
    expect(cell(A, Row.UNAVAILABLE_UNTIL)).equal(cell(A, Row.TRIED_AT) + 7200);
    expect(reasons()).same([LIMITS, LIMITS]);
  });

  it("concludes nothing when the limits stay, or when the server has no failures", () => {
    put({ servers: [{ server: A, fail_timeout: "1h" }, { server: B }] });
    fail(A);
    put({
      servers: [
        { server: A, fail_timeout: "1h", weight: 5 },
        { server: B, max_fails: 7 },
      ],
    });
    expect(cell(A, Row.STATE)).equal(State.UNAVAIL);
    expect(cell(B, Row.STATE)).equal(State.UP);
    expect(reasons()).same([]);
  });

  it("sets the limits of a server that takes the row of another server", () => {
    put({ servers: [{ server: A, max_fails: 9 }] });
    fail(A);
    put({ servers: [] });
    put({ servers: [{ server: B }] });
    expect([cell(B, Row.MAX_FAILS), cell(B, Row.FAILS), cell(B, Row.STATE)]).same([1, 0, State.UP]);
    expect(reasons()).same([]);
  });

  it("does not change a server that waits for its first check", () => {
    const health_check = { mandatory: true };
    put({ health_check, servers: [{ server: A }] });
    put({ health_check, servers: [{ server: A, max_fails: 3 }] });
    expect(cell(A, Row.STATE)).equal(State.CHECKING);
    expect(cell(A, Row.UNAVAILABLE_UNTIL)).equal(math.huge);
    expect(reasons()).same([]);
  });

  it("ends all ejections when it removes outlier detection, and allows none until outlier detection is set again", () => {
    const ejects = () => shared_memory()[row_at(read("app")?.row ?? error("no row", 0)) + UpstreamRow.EJECTS];
    put({ outlier_detection: {}, servers: [{ server: A }, { server: B }] });
    expect(ejects()).equal(1);
    eject(A);
    put({ outlier_detection: { consecutive_5xx: 9 }, servers: [{ server: A }, { server: B }] });
    expect(cell(A, Row.STATE)).equal(State.UNAVAIL);
    put({ servers: [{ server: A }, { server: B }] });
    expect(ejects()).equal(0);
    expect(cell(A, Row.STATE)).equal(State.UP);
    expect(cell(A, Row.EJECTED_UNTIL)).equal(0);
    expect(reasons()).same([EJECTION]);
    put({ outlier_detection: {}, servers: [{ server: A }, { server: B }] });
    expect(ejects()).equal(1);
  });
});

describe("a write whose writer has died", () => {
  /** Journals the upstream's new document, and stages it unless there was no room. Returns it. */
  function begin(config: object, is_staged = true): Document {
    const next = edited(config);
    if (is_staged) stage_text(0, "app", format_document(next), false);
    const counts = { added: 0, removed: 0, changed: 1 };
    begin_write([{ name: "app", row: next.row, kind: ChangeKind.CHANGED, counts }], "");
    return next;
  }

  it("is concluded when the limits were set already", () => {
    put({ servers: [{ server: A }] });
    fail(A);
    begin({ servers: [{ server: A, max_fails: 3 }] });
    note(A, { [Row.MAX_FAILS]: 3 });
    repair();
    expect(cell(A, Row.STATE)).equal(State.UP);
    repair();
    expect(reasons()).same([LIMITS]);
  });

  it("ends the remaining ejections", () => {
    put({ outlier_detection: {}, servers: [{ server: A }, { server: B }] });
    eject(A);
    eject(B);
    const next = begin({ servers: [{ server: A }, { server: B }] });
    shared_memory()[row_at(next.row) + UpstreamRow.EJECTS] = 0;
    note(A, { [Row.EJECTED_UNTIL]: 0, [Row.STATE]: State.UP, [Row.UNAVAILABLE_UNTIL]: 0 });
    repair();
    expect(cell(B, Row.STATE)).equal(State.UP);
    expect(reasons()).same([EJECTION]);
  });

  it("keeps the former limits when it is undone", () => {
    put({ outlier_detection: {}, servers: [{ server: A }] });
    fail(A);
    const next = begin({ servers: [{ server: A, max_fails: 3 }] }, false);
    restore_limits("app", next, difference([], next.lines).added);
    expect(cell(A, Row.STATE)).equal(State.UP);
    repair();
    expect(cell(A, Row.STATE)).equal(State.UNAVAIL);
    expect(cell(A, Row.MAX_FAILS)).equal(1);
    expect(shared_memory()[row_at(next.row) + UpstreamRow.EJECTS]).equal(1);
  });
});

describe("the saved health at a start", () => {
  function restore(): void {
    const document = read("app") ?? error("no document", 0);
    restore_limits("app", document, difference([], document.lines).added);
  }

  it("is concluded with the limits of the loaded state", () => {
    put({ servers: [{ server: A, max_fails: 2 }, { server: B }] });
    fail(A);
    restore();
    expect(cell(A, Row.STATE)).equal(State.UP);
    note(B, { [Row.CHECK]: Check.FAILED, [Row.STATE]: State.UNHEALTHY, [Row.UNAVAILABLE_UNTIL]: math.huge });
    restore();
    expect(cell(B, Row.STATE)).equal(State.UNHEALTHY);
    expect(reasons()).same([LIMITS]);
  });

  it("has no ejections without outlier detection", () => {
    put({ servers: [{ server: A }] });
    eject(A);
    restore();
    expect(cell(A, Row.STATE)).equal(State.UP);
  });

  it("takes no memory for the rare cells of servers that have none", () => {
    const COUNT = 20_000;
    create(COUNT + 64, 1);
    const document = edited({ servers: [] });
    const servers: Parameters<typeof restore_limits>[2][number][] = [];
    for (const id of $range(1, COUNT)) {
      const row = allocate_row(1, id) ?? error("no row is left", 0);
      servers.push({ server: A, id, incarnation: 1, row, max_fails: 1, fail_timeout: "10s" });
    }
    const before = shared_kilobytes();
    restore_limits("app", document, servers);
    // The rare cells of one kind would take 3,750 of them.
    expect(shared_kilobytes() - before < 1000).equal(true);
  });
});

import "../../support/nginx_stub";

import { format_cursor, newest, parse_cursor } from "../../../../src/resty/sluice/api/stream/cursor";
import { feed_from, next_item, oldest, type Feed } from "../../../../src/resty/sluice/api/stream/feed";
import { passes } from "../../../../src/resty/sluice/api/stream/filter";
import {
  format_greeting,
  format_message,
  next_messages,
} from "../../../../src/resty/sluice/api/stream/sender";
import * as clock from "../../../../src/resty/sluice/lib/clock";
import { set_of } from "../../../../src/resty/sluice/lib/tables";
import { Header } from "../../../../src/resty/sluice/store/memory/header_cells";
import type { RowNumber } from "../../../../src/resty/sluice/store/memory/cells";
import { note_changes } from "../../../../src/resty/sluice/store/memory/changes";
import { put_event, remember } from "../../../../src/resty/sluice/store/memory/dict";
import { create, shared_memory } from "../../../../src/resty/sluice/store/memory/region";
import { ChangeKind } from "../../../../src/resty/sluice/store/memory/upstream_change";
import { make_dict } from "../../support/dict";
import { expect } from "../../support/expect";

const STARTED_AT = 0xabcdef;
const EVERYTHING = { upstreams: undefined, kinds: undefined };

before_each(() => {
  make_dict();
  create(16, 4);
  remember("last_event", 0);
  shared_memory()[Header.STARTED_AT] = STARTED_AT;
});

function change(...names: string[]): void {
  const memory = shared_memory();
  const counts = { added: 1, removed: 0, changed: 0 };
  const row = 1 as RowNumber;
  const changes = names.map((name) => ({ name, row, kind: ChangeKind.CHANGED, counts }));
  note_changes(memory[Header.REVISION] + 1, changes);
  memory[Header.REVISION] = memory[Header.REVISION] + 1;
  if (names.length > 1) memory[Header.WRITES_OF_SEVERAL] = memory[Header.WRITES_OF_SEVERAL] + 1;
}

/** Records an event of a kind; `member` tells the kind. */
function event(member: string, upstream = "app"): void {
  const { [Header.REVISION]: made } = shared_memory();
  put_event((number) => `{"number":${number},"revision":${made},"upstream":"${upstream}","${member}":"x"}`);
}

/** Counts an event whose text is not stored. */
function count_event(): void {
  put_event(() => "{}");
}

/** Returns the kinds and upstreams of the messages that a reader has not read yet. */
function rest_of(feed: Feed): string[] {
  const items: string[] = [];
  let item = next_item(feed);
  while (item !== undefined) {
    items.push(`${item.kind} ${item.upstream ?? ""}`);
    item = next_item(feed);
  }
  return items;
}

describe("a cursor", () => {
  it("names the last event, the last revision and the run of nginx", () => {
    change("app");
    event("old_state");
    event("old_state");
    expect(format_cursor(newest())).equal("2.1.abcdef");
  });

  it("can be parsed, and tells whether this run of nginx has reached it", () => {
    change("app");
    event("old_state");
    expect(parse_cursor("1.1.abcdef")[0]).same({ event: 1, revision: 1 });
    const reached = (text: string) => parse_cursor(text)[1];
    expect(["1.1.abcdef", "0.0.abcdef", "1.1"].map((text) => reached(text))).same([true, true, true]);
    const ahead = ["2.1.abcdef", "1.2.abcdef", "1.1.abcdee", "1.1.", "9.9"];
    expect(ahead.map((text) => reached(text))).same(ahead.map(() => false));
  });

  it("is refused unless it has two numbers of at most 15 digits", () => {
    for (const text of ["", "1", "1.", ".1", "a.1", "1.1.x", "1.1.1.1", "-1.1", " 1.1", "1.1234567890123456"])
      expect(parse_cursor(text)[0]).equal(undefined);
  });
});

describe("a reader of events and changes", () => {
  it("returns an event after the change that made its revision and before the next", () => {
    const feed = feed_from(newest());
    event("old_state", "before");
    change("one");
    event("decision", "after_one");
    change("two");
    change("three");
    event("problem", "after_three");
    expect(rest_of(feed)).same([
      "state before",
      "change one",
      "decision after_one",
      "change two",
      "change three",
      "problem after_three",
    ]);
    expect(next_item(feed)).equal(undefined);
    change("four");
    expect(rest_of(feed)).same(["change four"]);
  });

  it("returns events in the order of their numbers, even if a later one has an earlier revision", () => {
    const feed = feed_from(newest());
    change("one");
    event("old_state", "first");
    put_event((number) => `{"number":${number},"revision":0,"upstream":"second"}`);
    expect(rest_of(feed)).same(["change one", "state first", "state second"]);
  });

  it("learns how many events and changes it has missed, and continues with the oldest that is kept", () => {
    const feed = feed_from(newest());
    for (const _ of $range(1, 1003)) event("old_state");
    for (const _ of $range(1, 1002)) change("app");
    const lost = next_item(feed);
    expect(lost?.kind).equal("lost");
    expect(lost?.data).equal('{"reason":"3 events and 2 changes are no longer kept"}');
    expect(rest_of(feed).length).equal(2000);
    expect(rest_of(feed_from(oldest())).length).equal(2000);
  });

  it("waits for an event that is counted and not stored yet", () => {
    const feed = feed_from(newest());
    count_event();
    event("old_state", "later");
    expect(next_item(feed)).equal(undefined);
    remember("event:1" as "history", '{"number":1,"revision":0,"upstream":"late"}');
    expect(rest_of(feed)).same(["state late", "state later"]);
  });

  it("skips events that were never stored, with one message for all of them", () => {
    const feed = feed_from(newest());
    for (const _ of $range(1, 3)) count_event();
    event("old_state", "later");
    expect(next_item(feed)).equal(undefined);
    feed.deadline = clock.now() - 1;
    expect(next_item(feed)?.data).equal('{"reason":"3 events could not be stored"}');
    expect(rest_of(feed)).same(["state later"]);
  });
});

describe("a change of several upstreams", () => {
  it("is one message for each, and its revision is reached with the last one", () => {
    const feed = feed_from(newest());
    change("a", "b");
    change("c");
    expect(next_item(feed)?.upstream).equal("a");
    expect(feed.revision).equal(0);
    expect(next_item(feed)?.upstream).equal("b");
    expect(feed.revision).equal(1);
    expect(rest_of(feed)).same(["change c"]);
  });

  it("is reported as lost once its list was replaced", () => {
    const feed = feed_from(newest());
    change("a", "b");
    for (const number of $range(1, 16)) change(`u${number}`, `v${number}`);
    expect(next_item(feed)?.kind).equal("lost");
    expect(next_item(feed)?.upstream).equal("u1");
  });
});

describe("a message", () => {
  it("has an id, a kind and one line of data, in UTF-8", () => {
    const data = `{"reason":"${string.char(0xff)}"}`;
    const item = { kind: "state", upstream: "app", data } as const;
    expect(format_message(item, { event: 7, revision: 12 })).equal(
      'id: 7.12.abcdef\nevent: state\ndata: {"reason":"\\\\xff"}\n\n',
    );
  });

  it("comes after a greeting that has an id, so that a client can continue without any message", () => {
    const greeting = format_greeting({ event: 7, revision: 12 });
    expect(greeting).equal("retry: 1000\n: Sluice's events and changes, as they happen\nid: 7.12.abcdef\n\n");
  });

  it("is sent together with others, at most 100 at a time", () => {
    const feed = feed_from(newest());
    for (const _ of $range(1, 150)) change("app");
    let pauses = 0;
    const count = () => {
      pauses += 1;
    };
    const count_of = (text: string) => string.gsub(text, "\n\n", "")[1];
    expect(count_of(next_messages(feed, EVERYTHING, count))).equal(100);
    expect(pauses > 5).equal(true);
    expect(count_of(next_messages(feed, EVERYTHING, count))).equal(50);
    expect(next_messages(feed, EVERYTHING, count)).equal("");
  });
});

describe("a filter", () => {
  const change_of_app = { kind: "change", upstream: "app", data: "" } as const;
  const lost = { kind: "lost", upstream: undefined, data: "" } as const;

  it("selects kinds and upstreams, and always the message that something is missing", () => {
    const of = (kinds: string[] | undefined, upstreams: string[] | undefined) => ({
      kinds: kinds === undefined ? undefined : set_of(kinds),
      upstreams: upstreams === undefined ? undefined : set_of(upstreams),
    });
    expect(passes(EVERYTHING, change_of_app)).equal(true);
    expect(passes(of(["state", "change"], ["app"]), change_of_app)).equal(true);
    expect(passes(of(["state"], undefined), change_of_app)).equal(false);
    expect(passes(of(undefined, ["shop"]), change_of_app)).equal(false);
    expect(passes(of(["state"], ["shop"]), lost)).equal(true);
  });
});

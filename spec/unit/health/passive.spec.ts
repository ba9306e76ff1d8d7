import { note_failure, note_success, note_trial } from "../../../src/resty/sluice/health/passive";
import { Row } from "../../../src/resty/sluice/store/memory/cells";
import { State } from "../../../src/resty/sluice/store/memory/states";
import { shared_memory } from "../../../src/resty/sluice/store/memory/region";
import type { Subject } from "../../../src/resty/sluice/store/memory/subject";
import { expect } from "../support/expect";
import { cell, new_subject } from "./subjects";

const NOW = 1000;

let subject: Subject;

before_each(() => {
  subject = new_subject({ max_fails: 2, fail_timeout: "10s" });
});

function state(): State {
  return cell(subject, Row.STATE);
}

describe("failures of requests", () => {
  it("make a server unavailable for fail_timeout when their number reaches max_fails", () => {
    note_failure(subject, NOW, "a request failed with 502");
    expect(state()).equal(State.UP);
    note_failure(subject, NOW + 1, "a request failed with 502");
    expect(state()).equal(State.UNAVAIL);
    expect(cell(subject, Row.UNAVAILABLE_UNTIL)).equal(NOW + 11);
  });

  it("do not count with max_fails 0", () => {
    shared_memory()[subject.row + Row.MAX_FAILS] = 0;
    for (const _ of $range(1, 5)) note_failure(subject, NOW, "a request failed with 502");
    expect(cell(subject, Row.FAILS)).equal(0);
    expect(state()).equal(State.UP);
  });

  it("do not count for a server that was deleted", () => {
    shared_memory()[subject.row + Row.STAMP] = subject.incarnation + 1;
    for (const _ of $range(1, 5)) note_failure(subject, NOW, "a request failed with 502");
    expect(cell(subject, Row.FAILS)).equal(0);
  });

  it("are not reset by a response to a request that began before the last failure", () => {
    note_failure(subject, NOW, "a request failed with 502");
    note_success(subject, NOW + 1);
    expect(cell(subject, Row.FAILS)).equal(1);
    note_failure(subject, NOW + 2, "a request failed with 502");
    expect(state()).equal(State.UNAVAIL);
  });
});

describe("a server with failures", () => {
  before_each(() => {
    for (const _ of $range(1, 2)) note_failure(subject, NOW, "a request failed with 502");
  });

  it("receives one request after fail_timeout, and no other request until that one has ended", () => {
    note_trial(subject, NOW + 9.9);
    expect(cell(subject, Row.TRIED_AT)).equal(NOW);
    note_trial(subject, NOW + 10);
    expect(cell(subject, Row.TRIED_AT)).equal(NOW + 10);
    expect(cell(subject, Row.UNAVAILABLE_UNTIL)).equal(NOW + 20);
    expect(state()).equal(State.UNAVAIL);
  });

  it("is up again when that request succeeds", () => {
    note_trial(subject, NOW + 10);
    note_success(subject, NOW + 10.5);
    expect(cell(subject, Row.FAILS)).equal(0);
    expect(state()).equal(State.UP);
    expect(cell(subject, Row.UNAVAILABLE_UNTIL)).equal(0);
  });

  it("is unavailable for another fail_timeout when that request fails", () => {
    note_trial(subject, NOW + 10);
    note_failure(subject, NOW + 11, "a request failed with 504");
    expect(state()).equal(State.UNAVAIL);
    expect(cell(subject, Row.UNAVAILABLE_UNTIL)).equal(NOW + 21);
    expect(cell(subject, Row.UNAVAIL)).equal(1);
  });
});

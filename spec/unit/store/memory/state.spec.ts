import { Row, UpstreamRow } from "../../../../src/resty/sluice/store/memory/cells";
import { Header } from "../../../../src/resty/sluice/store/memory/header_cells";
import { Check, State } from "../../../../src/resty/sluice/store/memory/states";
import { shared_memory } from "../../../../src/resty/sluice/store/memory/region";
import { conclude, state_name } from "../../../../src/resty/sluice/store/memory/state";
import type { Subject } from "../../../../src/resty/sluice/store/memory/subject";
import { cell, new_subject } from "../../health/subjects";
import { expect } from "../../support/expect";

const NOW = 1000;

let subject: Subject;

before_each(() => {
  subject = new_subject({ max_fails: 2, fail_timeout: "10s" });
});

function set(name: Row, value: number): void {
  shared_memory()[subject.row + name] = value;
}

/** Returns the state that results from the values of the cells. */
function concluded(now = NOW): State {
  conclude(subject, now, "a test");
  return cell(subject, Row.STATE);
}

/** Runs an action at each fence, to imitate other processes. */
function at_fence(action: (this: void) => void): void {
  const dict = ngx.shared.sluice as SharedDict;
  const original = { ...dict };
  dict.get = function (this: SharedDict, key) {
    action();
    return original.get(key);
  };
}

describe("the state of a server", () => {
  it("begins and ends with an expected time that is not known, with least_load only", () => {
    for (const [mean, expected] of [
      [40, -1],
      [0, 50],
    ]) {
      for (const [fails, state] of [
        [2, State.UNAVAIL],
        [0, State.UP],
      ]) {
        set(Row.MEAN_TIME, mean);
        set(Row.EXPECTED_TIME, 50);
        set(Row.FAILS, fails);
        set(Row.FAILED_AT, NOW);
        expect(concluded()).equal(state);
        expect(cell(subject, Row.EXPECTED_TIME)).equal(expected);
      }
    }
  });

  it("is unavail after max_fails failures, for fail_timeout after the last one", () => {
    set(Row.FAILS, 1);
    set(Row.FAILED_AT, NOW);
    expect(concluded()).equal(State.UP);
    expect(cell(subject, Row.UNAVAILABLE_UNTIL)).equal(0);
    set(Row.FAILS, 2);
    expect(concluded()).equal(State.UNAVAIL);
    expect(cell(subject, Row.UNAVAILABLE_UNTIL)).equal(NOW + 10);
    set(Row.TRIED_AT, NOW + 10);
    expect(concluded()).equal(State.UNAVAIL);
    expect(cell(subject, Row.UNAVAILABLE_UNTIL)).equal(NOW + 20);
  });

  it("is unavail until the ejection or fail_timeout ends, whichever is later", () => {
    set(Row.EJECTED_UNTIL, NOW + 30);
    expect(concluded()).equal(State.UNAVAIL);
    expect(cell(subject, Row.UNAVAILABLE_UNTIL)).equal(NOW + 30);
    set(Row.FAILS, 2);
    set(Row.FAILED_AT, NOW + 25);
    concluded();
    expect(cell(subject, Row.UNAVAILABLE_UNTIL)).equal(NOW + 35);
  });

  it("is decided by active checks before anything else", () => {
    set(Row.FAILS, 2);
    set(Row.EJECTED_UNTIL, NOW + 30);
    set(Row.CHECK, Check.FAILED);
    expect(concluded()).equal(State.UNHEALTHY);
    expect(cell(subject, Row.UNAVAILABLE_UNTIL)).equal(math.huge);
    set(Row.CHECK, Check.WANTED);
    expect(concluded()).equal(State.CHECKING);
    set(Row.CHECK, Check.PASSED);
    expect(concluded()).equal(State.UNAVAIL);
  });

  it("is never unavail because of failures with max_fails 0", () => {
    set(Row.MAX_FAILS, 0);
    set(Row.FAILS, 100);
    expect(concluded()).equal(State.UP);
  });

  it("follows limits that change while a worker concludes", () => {
    const memory = shared_memory();
    set(Row.FAILS, 2);
    set(Row.FAILED_AT, NOW);
    let looks = 0;
    at_fence(() => {
      looks += 1;
      // The worker has read the former limits, and the writer concludes before the worker can see the new
      // ones.
      if (looks === 1) memory[subject.row + Row.MAX_FAILS] = 0;
    });
    expect(concluded()).equal(State.UP);
    expect(cell(subject, Row.UNAVAILABLE_UNTIL)).equal(0);
    expect(looks > 1).equal(true);
  });

  it("has a name for the API", () => {
    const names = [State.UP, State.UNAVAIL, State.CHECKING, State.UNHEALTHY].map((state) =>
      state_name(state),
    );
    expect(names).same(["up", "unavail", "checking", "unhealthy"]);
  });
});

describe("a change of the state", () => {
  it("is counted, and the time in between is downtime", () => {
    set(Row.CHECK, Check.FAILED);
    concluded(NOW);
    concluded(NOW + 1);
    expect(cell(subject, Row.UNHEALTHY)).equal(1);
    set(Row.CHECK, Check.PASSED);
    concluded(NOW + 2.5);
    expect(cell(subject, Row.DOWNTIME)).equal(2500);
    expect(cell(subject, Row.STARTED_AT)).equal(NOW + 2.5);
    set(Row.FAILS, 2);
    concluded(NOW + 3);
    expect(cell(subject, Row.UNAVAIL)).equal(1);
    expect(cell(subject, Row.UNHEALTHY)).equal(1);
  });

  it("makes every worker look at the upstream, but a conclusion without a change does not", () => {
    const memory = shared_memory();
    const revision = subject.upstream.row + UpstreamRow.HEALTH_REVISION;
    concluded();
    expect(memory[revision]).equal(0);
    set(Row.CHECK, Check.FAILED);
    concluded();
    concluded();
    expect(memory[revision]).equal(1);
    expect(memory[Header.HEALTH_REVISION] > 0).equal(true);
  });
});

describe("a server that was deleted", () => {
  it("gets no state, because its row may belong to another server", () => {
    set(Row.STAMP, subject.incarnation + 1);
    set(Row.CHECK, Check.FAILED);
    expect(concluded()).equal(State.UP);
    expect(cell(subject, Row.UNAVAILABLE_UNTIL)).equal(0);
  });
});

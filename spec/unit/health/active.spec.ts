import { SERVER_DEFAULTS } from "../../../src/resty/sluice/config/server";
import { read_settings } from "../../../src/resty/sluice/config/settings";
import { forget_checks, note_check } from "../../../src/resty/sluice/health/active";
import type { Judged } from "../../../src/resty/sluice/health/proof";
import { Row, type RowNumber, UpstreamRow } from "../../../src/resty/sluice/store/memory/cells";
import { Check, State } from "../../../src/resty/sluice/store/memory/states";
import { create, row_at, shared_memory } from "../../../src/resty/sluice/store/memory/region";
import { hold_row } from "../../../src/resty/sluice/store/memory/rows";
import { subject_of, type Subject } from "../../../src/resty/sluice/store/memory/subject";
import { make_dict } from "../support/dict";
import { expect } from "../support/expect";

const UPSTREAM_ROW = 1 as RowNumber;
const SERVER_ROW = 2 as RowNumber;
const INCARNATION = 5;

/** Returns a server that waits for a mandatory check. */
function waiting_server(): Subject {
  const memory = shared_memory();
  memory[row_at(SERVER_ROW) + Row.STAMP] = INCARNATION;
  hold_row(SERVER_ROW, 100);
  const place = { id: 0, incarnation: INCARNATION, row: SERVER_ROW, server: "10.0.0.1:80" };
  return subject_of("app", UPSTREAM_ROW, { ...SERVER_DEFAULTS, ...place });
}

function check_of(health_check: object): Judged {
  const [settings] = read_settings({ health_check });
  return { config: settings?.health_check ?? error("no health check", 0), revision: 9 };
}

describe("a server that waits for a mandatory check", () => {
  before_each(() => {
    make_dict();
    create(64, 4);
  });

  it("continues to wait while the check fails", () => {
    const subject = waiting_server();
    note_check(subject, check_of({ mandatory: true, fails: 3 }), false, "status 404", 101);
    const memory = shared_memory();
    expect(memory[subject.row + Row.CHECK]).equal(Check.WANTED);
    expect(memory[subject.row + Row.STATE]).equal(State.CHECKING);
  });

  for (const fails of [1, 3]) {
    it(`no longer waits when the check is no longer mandatory, with fails = ${fails}`, () => {
      const subject = waiting_server();
      const memory = shared_memory();
      memory[subject.upstream.row + UpstreamRow.UNPROVEN_SINCE] = 9;
      note_check(subject, check_of({ fails }), false, "status 404", 101);
      expect(memory[subject.row + Row.CHECK]).equal(Check.NONE);
      expect(memory[subject.row + Row.STATE]).equal(State.UP);
      expect(memory[subject.row + Row.UNAVAILABLE_UNTIL]).equal(0);
    });
  }
});

describe("a server that is checked", () => {
  const check = check_of({ fails: 3, passes: 2 });
  let subject: Subject;

  before_each(() => {
    make_dict();
    create(64, 4);
    subject = waiting_server();
    shared_memory()[subject.row + Row.CHECK] = Check.NONE;
  });

  /** Notes the result of `count` checks. Returns the resulting state. */
  function check_several(count: number, passed: boolean): State {
    for (const _ of $range(1, count)) note_check(subject, check, passed, "status 500", 101);
    return shared_memory()[subject.row + Row.STATE];
  }

  it("becomes unhealthy after `fails` failed checks in a row, and healthy after `passes` passed ones", () => {
    expect(check_several(1, true)).equal(State.CHECKING);
    expect(check_several(1, true)).equal(State.UP);
    expect(check_several(2, false)).equal(State.UP);
    expect(check_several(1, true)).equal(State.UP);
    expect(check_several(2, false)).equal(State.UP);
    expect(check_several(1, false)).equal(State.UNHEALTHY);
    expect(check_several(1, true)).equal(State.UNHEALTHY);
    expect(check_several(1, false)).equal(State.UNHEALTHY);
    expect(check_several(1, true)).equal(State.UNHEALTHY);
    expect(check_several(1, true)).equal(State.UP);
    const memory = shared_memory();
    expect(memory[subject.row + Row.CHECKS]).equal(12);
    expect(memory[subject.row + Row.CHECK_FAILS]).equal(6);
    expect(memory[subject.row + Row.UNHEALTHY]).equal(1);
  });

  it("does not become unhealthy by a check that has never passed on any server", () => {
    const memory = shared_memory();
    const unproven = subject.upstream.row + UpstreamRow.UNPROVEN_SINCE;
    memory[unproven] = 9;
    check_several(5, false);
    expect(memory[subject.row + Row.CHECK]).equal(Check.NONE);
    expect(memory[unproven]).equal(-9);
    check_several(1, true);
    expect(memory[unproven]).equal(0);
    check_several(3, false);
    expect(memory[subject.row + Row.CHECK]).equal(Check.FAILED);
  });

  it("ignores the results of an earlier configuration of the check", () => {
    const memory = shared_memory();
    memory[subject.upstream.row + UpstreamRow.UNPROVEN_SINCE] = check.revision + 1;
    check_several(5, false);
    expect(memory[subject.row + Row.CHECKS]).equal(0);
  });

  it("ignores results for a server that was deleted", () => {
    const memory = shared_memory();
    memory[subject.row + Row.STAMP] = INCARNATION + 1;
    check_several(5, false);
    expect(memory[subject.row + Row.CHECKS]).equal(0);
  });

  it("becomes up when the checks end", () => {
    check_several(3, false);
    forget_checks(subject, 102);
    const memory = shared_memory();
    expect(memory[subject.row + Row.STATE]).equal(State.UP);
    expect(memory[subject.row + Row.LAST_PASSED]).equal(-1);
  });
});

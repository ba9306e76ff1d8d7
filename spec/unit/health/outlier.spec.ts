import { OUTLIER_DETECTION, type OutlierConfig } from "../../../src/resty/sluice/config/outlier";
import { count_error, eject, limits_of, type OutlierLimits } from "../../../src/resty/sluice/health/outlier";
import { Row, UpstreamRow } from "../../../src/resty/sluice/store/memory/cells";
import { State } from "../../../src/resty/sluice/store/memory/states";
import {
  end_ejection,
  is_ejected,
  note_end_of_ejection,
} from "../../../src/resty/sluice/store/memory/ejection";
import { shared_memory } from "../../../src/resty/sluice/store/memory/region";
import { expect } from "../support/expect";
import { cell, new_subject } from "./subjects";

const NOW = 1000;

function limits_with(config: object): OutlierLimits {
  const [read] = OUTLIER_DETECTION.read("outlier_detection", config);
  return limits_of(read as OutlierConfig);
}

const limits = limits_with({ base_ejection_time: "10s", max_ejection_time: "25s", interval: "100s" });

/** Returns the count of ejected servers: none of ten. */
function no_others(this: void): LuaMultiReturn<[number, number]> {
  return $multi(0, 10);
}

describe("an ejection", () => {
  it("is not repeated when another worker was quicker", () => {
    const subject = new_subject();
    const memory = shared_memory();
    function count_others(this: void): LuaMultiReturn<[number, number]> {
      // The other worker ejects the server while this worker counts.
      memory[subject.row + Row.EJECTED_UNTIL] = NOW + 30;
      memory[subject.row + Row.EJECTIONS] = 1;
      return $multi(0, 10);
    }
    eject(subject, limits, count_others, NOW, "5 responses of 5xx in a row");
    expect(memory[subject.row + Row.EJECTED_UNTIL]).equal(NOW + 30);
    expect(memory[subject.row + Row.EJECTIONS]).equal(1);
  });

  it("is not made by a worker that has not yet followed the removal of outlier detection", () => {
    const subject = new_subject();
    shared_memory()[subject.upstream.row + UpstreamRow.EJECTS] = 0;
    eject(subject, limits, no_others, NOW, "a test");
    expect(cell(subject, Row.EJECTED_UNTIL)).equal(0);
    expect(cell(subject, Row.STATE)).equal(State.UP);
  });
});

describe("an ejected server", () => {
  it("is unavailable until its ejection ends, and becomes up when it is chosen after that", () => {
    const subject = new_subject();
    eject(subject, limits, no_others, NOW, "a test");
    expect(is_ejected(subject.row, NOW + 9.9)).equal(true);
    expect(cell(subject, Row.STATE)).equal(State.UNAVAIL);
    expect(cell(subject, Row.UNAVAILABLE_UNTIL)).equal(NOW + 10);
    note_end_of_ejection(subject, NOW + 9.9);
    expect(cell(subject, Row.STATE)).equal(State.UNAVAIL);
    note_end_of_ejection(subject, NOW + 10);
    expect(is_ejected(subject.row, NOW + 10)).equal(false);
    expect(cell(subject, Row.STATE)).equal(State.UP);
  });

  it("is ejected for longer each time, up to max_ejection_time, and for less after a quiet time", () => {
    const subject = new_subject();
    let now = NOW;
    for (const time of [10, 20, 25]) {
      eject(subject, limits, no_others, now, "a test");
      expect(cell(subject, Row.EJECTED_UNTIL)).equal(now + time);
      now = now + time;
      note_end_of_ejection(subject, now);
    }
    now = now + 200;
    eject(subject, limits, no_others, now, "a test");
    expect(cell(subject, Row.EJECTED_UNTIL)).equal(now + 20);
  });

  it("returns immediately when outlier detection is removed", () => {
    const subject = new_subject();
    eject(subject, limits, no_others, NOW, "a test");
    end_ejection(subject, NOW + 1);
    expect(cell(subject, Row.STATE)).equal(State.UP);
  });

  it("is one of at most max_ejection_percent of the servers, but one server may always be ejected", () => {
    const few = limits_with({ max_ejection_percent: 30 });
    for (const [others, may_be] of [
      [0, true],
      [2, true],
      [3, false],
    ] as const) {
      const subject = new_subject();
      eject(subject, few, () => $multi(others, 10), NOW, "a test");
      expect(is_ejected(subject.row, NOW)).equal(may_be);
    }
  });

  it("has reached a limit of errors in a row", () => {
    const subject = new_subject();
    const strict = limits_with({ consecutive_5xx: 3, consecutive_gateway_failure: 2 });
    expect(count_error(subject, strict, true)).equal(undefined);
    expect(count_error(subject, strict, false)).equal(undefined);
    expect(count_error(subject, strict, true)).contains("3 responses of 5xx");
    const other = new_subject();
    expect(count_error(other, strict, true)).equal(undefined);
    expect(count_error(other, strict, true)).contains("2 gateway failures");
  });
});

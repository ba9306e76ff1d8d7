import { read_outlier_detection, type OutlierConfig } from "../../../src/resty/sluice/config/outlier";
import { SERVER_DEFAULTS } from "../../../src/resty/sluice/config/server";
import { eject, limits_of } from "../../../src/resty/sluice/health/outlier";
import { subject_of } from "../../../src/resty/sluice/health/subject";
import { Row, type RowNumber } from "../../../src/resty/sluice/store/memory/cells";
import { create, shared_memory } from "../../../src/resty/sluice/store/memory/region";
import { expect } from "../support/expect";

const NOW = 1000;

describe("an ejection", () => {
  it("is left to another worker that was quicker", () => {
    create(4, 1);
    const memory = shared_memory();
    const record = { ...SERVER_DEFAULTS, server: "10.0.0.1:80", id: 0, incarnation: 7, row: 2 as RowNumber };
    const subject = subject_of("app", 1 as RowNumber, record);
    memory[subject.row + Row.STAMP] = subject.incarnation;
    const [config] = read_outlier_detection("outlier_detection", {});
    const limits = limits_of(config as OutlierConfig);
    function count_others(this: void): LuaMultiReturn<[number, number]> {
      // What the other worker does while this one counts.
      memory[subject.row + Row.EJECTED_UNTIL] = NOW + 30;
      memory[subject.row + Row.EJECTIONS] = 1;
      return $multi(0, 10);
    }
    eject(subject, limits, count_others, NOW, "5 responses of 5xx in a row");
    expect(memory[subject.row + Row.EJECTED_UNTIL]).equal(NOW + 30);
    expect(memory[subject.row + Row.EJECTIONS]).equal(1);
  });
});

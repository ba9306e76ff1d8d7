import { time_with } from "../../../src/resty/sluice/balancer/loads";
import {
  note_latency,
  note_loaded_time,
  note_penalty,
  shorten,
} from "../../../src/resty/sluice/health/expected_time";
import { Row } from "../../../src/resty/sluice/store/memory/cells";
import { shared_memory } from "../../../src/resty/sluice/store/memory/region";
import type { Subject } from "../../../src/resty/sluice/store/memory/subject";
import { expect } from "../support/expect";
import { cell, new_subject } from "./subjects";

const NOW = 1000;

let subject: Subject;

before_each(() => {
  subject = new_subject({});
  shared_memory()[subject.row + Row.EXPECTED_TIME] = -1;
});

/** Returns the time that is expected with a number of requests. */
function expected(requests: number): number {
  return time_with(requests, cell(subject, Row.EXPECTED_TIME), cell(subject, Row.EXPECTED_REQUESTS));
}

/** Tells whether a number is another one, but for rounding and the tick. */
function is_about(value: number, other: number): boolean {
  return math.abs(value - other) <= 1;
}

describe("the expected time of least_load", () => {
  it("is the mean of responses, in which a new one counts a tenth", () => {
    note_loaded_time(subject.row, 100, 4, NOW);
    expect(cell(subject, Row.EXPECTED_TIME)).equal(100);
    note_loaded_time(subject.row, 200, 9, NOW);
    expect(is_about(cell(subject, Row.EXPECTED_TIME), 110)).truthy();
    expect(is_about(cell(subject, Row.EXPECTED_REQUESTS), 4.5)).truthy();
  });

  it("has a mean even if all responses come within a millisecond, so that it is forgotten in bad health", () => {
    note_loaded_time(subject.row, 0, 4, NOW);
    expect(cell(subject, Row.MEAN_TIME) > 0).truthy();
    expect(cell(subject, Row.EXPECTED_TIME) < 0.001).truthy();
  });

  it("is what the server reports while that is within a factor of four, for ten seconds", () => {
    note_loaded_time(subject.row, 100, 4, NOW);
    note_latency(subject.row, 150, 4, NOW);
    expect(is_about(expected(4), 150)).truthy();
    note_loaded_time(subject.row, 100, 4, NOW + 9);
    expect(is_about(expected(4), 150)).truthy();
    note_loaded_time(subject.row, 100, 4, NOW + 11);
    expect(is_about(expected(4), 100)).truthy();
  });

  it("is at least a fourth of the measured one for a server that always reports 0", () => {
    for (const turn of $range(1, 200)) {
      note_loaded_time(subject.row, 100, 4, NOW + turn);
      note_latency(subject.row, 0, turn % 7, NOW + turn);
    }
    expect(is_about(expected(4), 25)).truthy();
  });

  it("is at most four times the measured one for a server with absurd reports", () => {
    for (const turn of $range(1, 200)) {
      note_loaded_time(subject.row, 100, 4, NOW + turn);
      note_latency(subject.row, 1e12, 1e12, NOW + turn);
    }
    expect(expected(4) <= 405).truthy();
  });

  it("is not known by a report alone, so that a new server has one request until it has answered", () => {
    note_latency(subject.row, 5, 0, NOW);
    expect(cell(subject, Row.EXPECTED_TIME)).equal(-1);
    note_loaded_time(subject.row, 10, 0, NOW + 1);
    expect(cell(subject, Row.EXPECTED_TIME)).equal(5);
  });

  it("is long for a server that fails at once, whatever it reports", () => {
    for (const turn of $range(1, 50)) {
      note_penalty(subject.row, 5000, 0.05, NOW + turn);
      note_latency(subject.row, 0, 0, NOW + turn);
    }
    expect(expected(0) > 1000).truthy();
  });

  it("is three times longer after each failure, and soon short again after responses", () => {
    note_loaded_time(subject.row, 100, 0, NOW);
    note_penalty(subject.row, 5000, 0.05, NOW);
    expect(is_about(expected(0), 345)).truthy();
    note_penalty(subject.row, 5000, 0.05, NOW);
    expect(is_about(expected(0), 1035)).truthy();
    for (const _ of $range(1, 1000)) note_penalty(subject.row, 5000, 0.05, NOW);
    expect(expected(0) < 1e6).truthy();
    for (const _ of $range(1, 8)) note_loaded_time(subject.row, 100, 0, NOW);
    expect(expected(0) < 5000).truthy();
  });

  it("stays unknown when it is halved, however often", () => {
    shorten(subject.row, math.huge);
    expect(cell(subject, Row.EXPECTED_TIME)).equal(-1);
  });

  it("stays shorter once it was halved", () => {
    note_loaded_time(subject.row, 800, 0, NOW);
    shorten(subject.row, 4);
    note_loaded_time(subject.row, 200, 0, NOW);
    expect(is_about(expected(0), 200)).truthy();
  });
});

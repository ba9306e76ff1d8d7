import { is_reset, window_between, type Sums } from "../../../src/resty/sluice/control/measure_limit";
import { expect } from "../support/expect";

const NOTHING: Sums = { responses: 0, errors: 0, unanswered: 0, timed: 0, time: 0 };

function window_after(sums: Partial<Sums>) {
  return window_between(NOTHING, { ...NOTHING, ...sums }, 10, 2);
}

describe("a window of a server's responses", () => {
  it("has the mean time and the requests in flight by Little's law", () => {
    const window = window_after({ responses: 80, timed: 40, time: 4000 });
    expect(window?.time).equal(100);
    expect(window?.in_flight).equal(4);
    expect(window?.answers).equal(80);
  });

  it("does not take fast errors for fast responses", () => {
    // 90 errors after 1 ms, and 10 responses after 100 ms.
    const window = window_after({ responses: 100, errors: 90, timed: 100, time: 1090 });
    expect(window?.time).equal(109);
  });

  it("has no time if all responses are errors", () => {
    const window = window_after({ responses: 100, errors: 100, timed: 100, time: 100 });
    expect(window?.answers).equal(100);
    expect(window?.time).equal(undefined);
  });

  it("counts attempts without a response", () => {
    const window = window_after({ unanswered: 10 });
    expect(window?.unanswered).equal(10);
    expect(window?.in_flight).equal(0);
  });

  it("needs enough responses", () => {
    expect(window_after({ responses: 9, timed: 9, time: 90 })).equal(undefined);
    expect(window_after({ responses: 90 })).equal(undefined);
  });

  it("begins anew when the statistics were reset", () => {
    const before = { ...NOTHING, responses: 5, timed: 5, time: 50 };
    expect(is_reset(before, NOTHING)).equal(true);
    expect(is_reset(NOTHING, before)).equal(false);
    // Since the reset, there were more responses than before it, and they were faster.
    expect(is_reset({ ...before, time: 5000 }, { ...before, responses: 90, timed: 90 })).equal(true);
    expect(is_reset({ ...before, errors: 3 }, { ...before, responses: 90, timed: 90 })).equal(true);
  });
});

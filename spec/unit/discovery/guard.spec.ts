import { judge, new_guard, type Guard, type Verdict } from "../../../src/resty/sluice/discovery/guard";
import { expect } from "../support/expect";

const LIMITS = { max_removal_percent: 50, removal_confirmations: 3 };

/** Judges an answer with `wanted` of `owned` servers and `others` new ones. */
function judge_answer(
  guard: Guard,
  [owned, wanted, others]: [owned: number, wanted: number, others?: number],
  now: number,
  { answer = "a", is_new = true, limits = LIMITS } = {},
): Verdict {
  const step = { owned, removed: owned - wanted, wanted: wanted + (others ?? 0), answer, is_new };
  return judge(guard, step, limits, now);
}

describe("the guard of removals", () => {
  it("never delays an answer that removes nothing", () => {
    for (const owned of [0, 1, 5, 1000]) {
      expect(judge_answer(new_guard(), [owned, owned, 3], 100)).equal("removes");
    }
    expect(judge_answer(new_guard(), [0, 0], 100)).equal("removes");
  });

  const thresholds: [owned: number, wanted: number, percent: number, verdict: Verdict][] = [
    [10, 5, 50, "removes"],
    [10, 4, 50, "waits"],
    [3, 2, 50, "removes"],
    [3, 1, 50, "waits"],
    [1000, 999, 0, "waits"],
    [1000, 1, 100, "removes"],
    [7, 5, 28, "waits"],
    [7, 5, 29, "removes"],
    [2, 1, 0, "removes"],
    [1, 0, 100, "empty"],
    [2, 0, 100, "empty"],
    [5, 0, 100, "empty"],
  ];
  for (const [owned, wanted, percent, verdict] of thresholds) {
    it(`says "${verdict}" of ${owned - wanted} of ${owned} servers with a limit of ${percent} %`, () => {
      const limits = { max_removal_percent: percent, removal_confirmations: 2 };
      expect(judge_answer(new_guard(), [owned, wanted], 100, { limits })).equal(verdict);
    });
  }

  it("counts removals, even if other servers replace them", () => {
    expect(judge_answer(new_guard(), [10, 4, 20], 100)).equal("waits");
    expect(judge_answer(new_guard(), [10, 0, 20], 100)).equal("waits");
    expect(judge_answer(new_guard(), [10, 5, 20], 100)).equal("removes");
  });

  it("removes after enough equal answers", () => {
    const guard = new_guard();
    const verdicts = [1, 2, 3, 4].map((second) => judge_answer(guard, [10, 1], 100 + second));
    expect(verdicts).same(["waits", "waits", "removes", "waits"]);
    const once = { max_removal_percent: 50, removal_confirmations: 1 };
    expect(judge_answer(new_guard(), [10, 1], 100, { limits: once })).equal("removes");
  });

  it("counts answers within nine tenths of a second as one", () => {
    const guard = new_guard();
    for (const tick of $range(0, 24)) expect(judge_answer(guard, [10, 1], 100 + tick / 50)).equal("waits");
    expect(guard.equal).equal(1);
    expect(judge_answer(guard, [10, 1], 101)).equal("waits");
    expect(judge_answer(guard, [10, 1], 101.8)).equal("waits");
    expect(judge_answer(guard, [10, 1], 102)).equal("removes");
  });

  it("does not count an answer that is applied again", () => {
    const guard = new_guard();
    for (const second of $range(1, 10)) {
      expect(judge_answer(guard, [10, 1], 100 + second, { is_new: false })).equal("waits");
    }
    expect(guard.equal).equal(1);
  });

  it("counts from the start when the answer changes, or removes little", () => {
    const guard = new_guard();
    judge_answer(guard, [10, 1], 101);
    judge_answer(guard, [10, 1], 102);
    expect(judge_answer(guard, [10, 1], 103, { answer: "b" })).equal("waits");
    expect(guard.equal).equal(1);
    judge_answer(guard, [10, 1], 104, { answer: "b" });
    expect(judge_answer(guard, [10, 10], 105, { answer: "" })).equal("removes");
    expect(judge_answer(guard, [10, 1], 106, { answer: "b" })).equal("waits");
    expect(guard.equal).equal(1);
  });

  it("never removes all servers, however often the answer is repeated", () => {
    const guard = new_guard();
    for (const second of $range(1, 1000)) expect(judge_answer(guard, [3, 0], 100 + second)).equal("empty");
    // These answers do not count as confirmations afterwards.
    expect(judge_answer(guard, [3, 1], 1101)).equal("waits");
    expect(guard.equal).equal(1);
  });

  it("adds up servers that disappear one by one within half a minute", () => {
    const guard = new_guard();
    expect(judge_answer(guard, [10, 10], 100)).equal("removes");
    for (const step of $range(1, 5))
      expect(judge_answer(guard, [11 - step, 10 - step], 100 + step)).equal("removes");
    expect(judge_answer(guard, [5, 4], 106)).equal("waits");
    expect(judge_answer(guard, [5, 4], 107)).equal("waits");
    expect(judge_answer(guard, [5, 4], 108)).equal("removes");
    // From here on the largest number is 4.
    expect(judge_answer(guard, [4, 3], 109)).equal("removes");
  });

  it("forgets the largest number of servers after half a minute", () => {
    const guard = new_guard();
    judge_answer(guard, [10, 10], 100);
    expect(judge_answer(guard, [10, 6], 101)).equal("removes");
    expect(judge_answer(guard, [6, 4], 131)).equal("waits");
    expect(judge_answer(guard, [6, 4], 131.1, { answer: "b" })).equal("removes");
  });

  it("always allows the removal of one of two servers", () => {
    const guard = new_guard();
    judge_answer(guard, [2, 2], 100);
    expect(judge_answer(guard, [2, 1], 100.1)).equal("removes");
  });
});

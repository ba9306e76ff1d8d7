import {
  rest,
  rest_now,
  with_rests_while,
  with_work,
  without_rest,
  type Work,
} from "../../../src/resty/sluice/lib/rest";
import { expect } from "../support/expect";

/** Enough small steps for a look. */
const MANY = 100;

function new_work(): Work & { looks: number } {
  const work = { looks: 0, step: () => undefined, is_long: false } as Work & { looks: number };
  work.step = () => {
    work.looks += 1;
  };
  return work;
}

function run(): void {
  for (const _ of $range(1, MANY)) rest();
}

/** Runs `body` to its end in a coroutine of its own. */
function in_coroutine(body: (this: void) => void): void {
  const [returned, failure] = coroutine.resume(coroutine.create(body));
  if (!returned) error(failure, 0);
}

describe("rests in long work", () => {
  it("happen only in a coroutine whose work may rest, once in many small steps", () => {
    const work = new_work();
    let looks = 0;
    in_coroutine(() => {
      run();
      with_work(work, run);
      looks = work.looks;
      run();
      rest_now();
    });
    expect(looks > 0 && looks < MANY / 2).equal(true);
    expect(work.looks).equal(looks);
  });

  it("do not happen in a part that must not rest, nor while it may not", () => {
    const work = new_work();
    in_coroutine(() => {
      with_work(work, () => {
        without_rest(run);
        with_rests_while(() => false, run);
      });
      expect(work.looks).equal(0);
      with_work(work, () => {
        with_rests_while(() => true, run);
      });
    });
    expect(work.looks > 0).equal(true);
  });

  it("end with work that raises", () => {
    const work = new_work();
    in_coroutine(() => {
      const [returned] = pcall(() => {
        with_work(work, () => error("no", 0));
      });
      expect(returned).equal(false);
      run();
    });
    expect(work.looks).equal(0);
  });
});

import { may_lack, new_shown, note_shown, type Shown } from "../../../../src/resty/sluice/api/status/shown";
import { expect } from "../../support/expect";

/** A summary with a counter, and with a number of requests under way, which passes. */
interface Model {
  counter: number;
  under_way: number;
  health_revision: number;
  restless_at: number;
}

let now = 1000;
let model: Model;

function new_model(): Model {
  return { counter: 0, under_way: 0, health_revision: 0, restless_at: 0 };
}

function text(): string {
  return `${model.counter} ${model.under_way}`;
}

/** Lets a worker look at the summary. Returns it if an answer with `since` has it. */
function answer(worker: Shown, since: number): string | undefined {
  note_shown(worker, text(), model.health_revision, now);
  if (model.under_way > 0) model.restless_at = now;
  return may_lack(worker, model.restless_at, since) ? worker.text : undefined;
}

describe("an answer with the changes since an earlier one", () => {
  before_each(() => {
    now = 1000;
    model = new_model();
  });

  it("omits a summary that was the same at the earlier one", () => {
    const worker = new_shown();
    expect(answer(worker, 0)).equal("0 0");
    now += 1;
    expect(answer(worker, now - 1)).equal(undefined);
    model.counter += 1;
    now += 1;
    expect(answer(worker, now - 1)).equal("1 0");
    now += 1;
    expect(answer(worker, now - 1)).equal(undefined);
  });

  it("has each summary that the worker has not seen before the earlier one", () => {
    const [one, other] = [new_shown(), new_shown()];
    answer(one, 0);
    now += 1;
    expect(answer(other, now - 1)).equal("0 0");
    now += 1;
    expect(answer(other, now - 1)).equal(undefined);
    model.counter += 1;
    now += 1;
    expect(answer(one, now - 1)).equal("1 0");
    now += 1;
    expect(answer(other, now - 1)).equal("1 0");
  });

  it("has a summary that another worker has shown with a request under way that ended uncounted", () => {
    const [one, other] = [new_shown(), new_shown()];
    answer(one, 0);
    answer(other, 0);
    now += 10;
    model.under_way = 1;
    expect(answer(other, now - 10)).equal("0 1");
    model.under_way = 0;
    now += 1;
    expect(answer(one, now - 1)).equal("0 0");
  });

  it("has a summary whose statistics were reset and have the same values again", () => {
    const [one, other] = [new_shown(), new_shown()];
    model.counter = 5;
    answer(one, 0);
    now += 10;
    model.counter = 0;
    model.health_revision += 1;
    expect(answer(other, now - 10)).equal("0 0");
    model.counter = 5;
    now += 1;
    expect(answer(one, now - 1)).equal("5 0");
  });

  it("leaves a client up to date after any sequence of changes and workers", () => {
    const workers = [new_shown(), new_shown(), new_shown()];
    const changes: ((this: void) => void)[] = [
      () => {
        model.counter += 1;
      },
      () => {
        model.under_way += 1;
      },
      () => {
        model.under_way = 0;
      },
      () => {
        // Time passes.
      },
    ];
    let since = 0;
    let has = "";
    for (const _ of $range(1, 5000)) {
      changes[math.random(1, changes.length) - 1]();
      now += math.random() < 0.3 ? 5 : 0.001;
      has = answer(workers[math.random(1, workers.length) - 1], since) ?? has;
      since = now;
      expect(has).equal(text());
      now += 0.001;
    }
  });
});

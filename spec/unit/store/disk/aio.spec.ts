import { begin_sync, end_of_sync } from "../../../../src/resty/sluice/store/disk/aio";
import { append, close_file, open_log } from "../../../../src/resty/sluice/store/memory/posix";
import { expect } from "../../support/expect";

/** A fast disk needs microseconds, and a busy one less than this number of tenths of a millisecond. */
const MOST_WAITS = 100_000;

/** Waits until a sync has ended, and returns its code. */
function wait_for(id: number): number | undefined {
  for (const _ of $range(1, MOST_WAITS)) {
    const code = end_of_sync(id, true);
    if (code !== undefined) return code;
  }
  return undefined;
}

describe("an asynchronous sync", () => {
  const paths = [os.tmpname(), os.tmpname()];
  const files: number[] = [];

  before_each(() => {
    for (const [index, path] of ipairs(paths)) {
      const [fd] = open_log(path);
      files[index - 1] = fd as number;
      append(fd as number, "a line\n");
    }
  });

  after_each(() => {
    for (const fd of files) close_file(fd);
    for (const path of paths) os.remove(path);
  });

  it("ends for its file, whichever is asked for first", () => {
    const [one, other] = [begin_sync(files[0]), begin_sync(files[1])];
    if (one === undefined || other === undefined) error("the kernel offers no asynchronous sync");
    expect(wait_for(other)).equal(0);
    expect(wait_for(one)).equal(0);
  });

  it("ends with the code of its own failure", () => {
    const [bad, good] = [begin_sync(-1), begin_sync(files[0])];
    expect(bad).equal(undefined);
    expect(wait_for(good as number)).equal(0);
  });
});

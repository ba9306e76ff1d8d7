import { crc32 } from "../../../src/resty/sluice/lib/crc32";
import { mix, score_of } from "../../../src/resty/sluice/lib/rendezvous";
import { expect } from "../support/expect";

const KEYS = 20000;

/** Returns the candidate of each key: the index of the weight with the lowest score. */
function owners(weights: readonly number[]): number[] {
  const found: number[] = [];
  for (const key of $range(1, KEYS)) {
    const hash = crc32(`user-${key}`);
    let best = 0;
    let lowest = math.huge;
    for (const index of $range(0, weights.length - 1)) {
      const score = score_of(hash, crc32(`candidate-${index}`), weights[index]);
      if (score < lowest) {
        best = index;
        lowest = score;
      }
    }
    found.push(best);
  }
  return found;
}

describe("rendezvous hashing", () => {
  it("mixes like MurmurHash3's finalizer", () => {
    expect(mix(0, 0)).equal(0);
    expect(mix(1, 0)).equal(0x514e28b7);
    expect(mix(0, 1)).equal(0x514e28b7);
    expect(mix(0xffffffff, 0)).equal(0x81f16f39);
  });

  it("gives each candidate its share of the keys, within four standard deviations", () => {
    const weights = [95, 4, 1];
    const counts = [0, 0, 0];
    for (const owner of owners(weights)) counts[owner] += 1;
    for (const index of $range(0, 2)) {
      const share = weights[index] / 100;
      const deviation = math.sqrt(KEYS * share * (1 - share));
      expect(math.abs(counts[index] - KEYS * share) < 4 * deviation).equal(true);
    }
  });

  it("moves keys only to a candidate whose weight rises", () => {
    const before = owners([90, 5, 5]);
    const after = owners([90, 10, 5]);
    for (const index of $range(0, KEYS - 1)) {
      if (after[index] !== before[index]) expect(after[index]).equal(1);
    }
  });

  it("moves only the keys of a candidate that leaves", () => {
    const before = owners([50, 30, 20]);
    const after = owners([50, 30]);
    for (const index of $range(0, KEYS - 1)) {
      if (before[index] !== 2) expect(after[index]).equal(before[index]);
    }
  });
});

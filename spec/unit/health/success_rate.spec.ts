import { is_outlier, success_rate_threshold } from "../../../src/resty/sluice/health/success_rate";
import { expect } from "../support/expect";

function performances(errors: readonly number[], responses = 200): { responses: number; errors: number }[] {
  return errors.map((count) => ({ responses, errors: count }));
}

describe("outlier detection by success rate", () => {
  it("uses the mean minus 1.9 standard deviations as the threshold, as Envoy does", () => {
    // Rates of 100, 100, 100, 100 and 50 %: the mean is 90, the standard deviation 20.
    const threshold = success_rate_threshold(performances([0, 0, 0, 0, 100]), 5, 100, 1900) as number;
    expect(math.abs(threshold - 52) < 1e-9).equal(true);
    expect(is_outlier({ responses: 200, errors: 100 }, threshold, 100)).equal(true);
    expect(is_outlier({ responses: 200, errors: 90 }, threshold, 100)).equal(false);
  });

  it("finds no threshold when too few servers had enough responses", () => {
    expect(success_rate_threshold(performances([0, 0, 0, 100]), 5, 100, 1900)).equal(undefined);
    expect(success_rate_threshold(performances([0, 0, 0, 0, 40], 50), 5, 100, 1900)).equal(undefined);
    expect(success_rate_threshold([], 0, 100, 1900)).equal(undefined);
    expect(is_outlier({ responses: 99, errors: 99 }, 52, 100)).equal(false);
  });

  it("finds no outlier among equal servers", () => {
    const equal = performances([10, 10, 10, 10, 10]);
    const threshold = success_rate_threshold(equal, 5, 100, 1900) as number;
    for (const performance of equal) expect(is_outlier(performance, threshold - 1e-9, 100)).equal(false);
  });
});

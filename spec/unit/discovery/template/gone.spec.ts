import { confirm, type Gone } from "../../../../src/resty/sluice/discovery/template/gone";
import { expect } from "../../support/expect";

const LIMITS = { max_removal_percent: 50, removal_confirmations: 3 };

describe("an upstream that its registry does not have any more", () => {
  it("may be deleted after some answers without it", () => {
    const gone: Gone = { equal: 0, came: 0 };
    expect(confirm(gone, LIMITS, true, 10)).equal(false);
    expect(confirm(gone, LIMITS, true, 11)).equal(false);
    expect(confirm(gone, LIMITS, true, 12)).equal(true);
  });

  it("is not confirmed by answers at the same time, nor by an old answer", () => {
    const gone: Gone = { equal: 0, came: 0 };
    for (const _ of $range(1, 10)) expect(confirm(gone, LIMITS, true, 10)).equal(false);
    for (const now of [12, 14, 16]) expect(confirm(gone, LIMITS, false, now)).equal(false);
    expect(gone.equal).equal(1);
  });

  it("may be deleted at once without a guard", () => {
    const limits = { ...LIMITS, max_removal_percent: 100 };
    expect(confirm({ equal: 0, came: 0 }, limits, true, 10)).equal(true);
  });
});

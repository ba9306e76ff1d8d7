import { is_secret, new_secret } from "../../../../src/resty/sluice/store/document/secret";
import { expect } from "../../support/expect";

describe("a secret", () => {
  it("consists of 32 hexadecimal digits, and differs each time", () => {
    const [one, cause] = new_secret();
    expect(cause).equal(undefined);
    expect(string.find(one as string, "^%x+$")[0]).equal(1);
    expect((one as string).length).equal(32);
    expect(is_secret(one)).equal(true);
    expect(one === new_secret()[0]).equal(false);
  });

  it("has no other form", () => {
    for (const value of [5, true, "", string.rep("0", 31), string.rep("0", 33), string.rep("g", 32)]) {
      expect(is_secret(value)).equal(false);
    }
  });
});

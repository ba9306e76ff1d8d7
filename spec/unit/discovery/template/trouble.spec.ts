import {
  end_trouble,
  is_resting,
  new_trouble,
  note_trouble,
} from "../../../../src/resty/sluice/discovery/template/trouble";
import { expect } from "../../support/expect";

describe("a write that the store has refused as a whole", () => {
  it("is tried again after delays that grow, up to a limit", () => {
    const trouble = new_trouble();
    expect(is_resting(trouble, 0)).equal(false);
    for (const delay of [1, 2, 4, 8, 16, 30, 30]) {
      note_trouble(trouble, "no memory", 100);
      expect(is_resting(trouble, 99 + delay)).equal(true);
      expect(is_resting(trouble, 100 + delay)).equal(false);
      expect(trouble.error).equal("no memory");
    }
    end_trouble(trouble);
    expect(is_resting(trouble, 100)).equal(false);
    expect(trouble.error).equal(undefined);
    note_trouble(trouble, "no memory", 200);
    expect(is_resting(trouble, 201)).equal(false);
  });
});

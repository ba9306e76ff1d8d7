import {
  format_version,
  is_later,
  parse_version,
  version_at,
} from "../../../src/resty/sluice/cluster/version";
import { NO_CLUSTER_REVISION } from "../../../src/resty/sluice/store/replicate";
import { expect } from "../support/expect";

const HISTORY = "0123456789abcdef";

describe("the version of a shared upstream", () => {
  it("is read as it was written, and always has the same length", () => {
    for (const revision of [1, 12, 9007199254740992]) {
      const text = format_version({ history: HISTORY, revision });
      expect(text.length).equal(NO_CLUSTER_REVISION.length);
      expect(parse_version(text)).same({ history: HISTORY, revision });
    }
  });

  it("has no history in a document of version 0.1.0", () => {
    expect(parse_version("0000000000000012")).same({ history: "", revision: 12 });
  });

  it("is undefined for a text without a version", () => {
    expect(parse_version(undefined)).equal(undefined);
    for (const text of ["", "x", "0123.12", `${HISTORY}.`, `${HISTORY}.1x`]) {
      expect(parse_version(text)).equal(undefined);
    }
  });

  it("belongs to the copied history if it is older than the present history", () => {
    const history = { history: HISTORY, began: 8, before: "fedcba9876543210" };
    expect(version_at(history, 7)).same({ history: "fedcba9876543210", revision: 7 });
    expect(version_at(history, 8)).same({ history: HISTORY, revision: 8 });
    expect(version_at({ history: HISTORY, began: 8, before: undefined }, 7)).same({
      history: HISTORY,
      revision: 7,
    });
  });

  it("is later only than a version of the same history", () => {
    const version = { history: HISTORY, revision: 6 };
    expect(is_later({ ...version, revision: 7 }, version)).equal(true);
    expect(is_later(version, version)).equal(false);
    expect(is_later({ history: "fedcba9876543210", revision: 7 }, version)).equal(false);
  });
});

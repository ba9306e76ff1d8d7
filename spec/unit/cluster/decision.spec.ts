import { decide, type Step, type Stored } from "../../../src/resty/sluice/cluster/decision";
import { format_version, UNSHARED, type Version } from "../../../src/resty/sluice/cluster/version";
import { expect } from "../support/expect";

const NOW = "aaaaaaaabbbbbbbb";
const BEFORE = "ccccccccbbbbbbbb";
const LONG_AGO = "ddddddddbbbbbbbb";

function at(history: string, revision: number): Version {
  return { history, revision };
}

/** A version as a document has it. */
function own(history: string, revision: number): string {
  return format_version(at(history, revision));
}

/** A change that was made in this history, or what was put back into it. */
function stored(revision: number, origin?: Version): Stored {
  return { revision, origin };
}

interface Case {
  what: string;
  own?: string;
  stored?: Stored;
  deleted?: Version;
  step: Step;
}

const SAME: Case[] = [
  { what: "is the same in both", own: own(NOW, 6), stored: stored(6), step: "keep" },
  { what: "was changed there", own: own(NOW, 6), stored: stored(7), step: "take" },
  { what: "was changed here since", own: own(NOW, 8), stored: stored(7), step: "keep" },
  { what: "was deleted there", own: own(NOW, 6), step: "delete" },
  { what: "is only there", stored: stored(6), step: "take" },
  { what: "is nowhere", step: "keep" },
  { what: "was never shared and is not there", own: "", step: "put back" },
  { what: "was never shared and is there", own: "", stored: stored(6), step: "take" },
  { what: "was never shared and was deleted there", own: "", deleted: at(NOW, 4), step: "delete" },
];

const LOST: Case[] = [
  { what: "has the same revision of another history", own: own(BEFORE, 6), stored: stored(6), step: "take" },
  { what: "has a later revision of another history", own: own(BEFORE, 9), stored: stored(6), step: "take" },
  { what: "is lost there", own: own(BEFORE, 6), step: "put back" },
  {
    what: "was put back in the same version",
    own: own(BEFORE, 6),
    stored: stored(3, at(BEFORE, 6)),
    step: "take",
  },
  {
    what: "was replaced there by one that was never shared",
    own: own(BEFORE, 6),
    stored: stored(3, UNSHARED),
    step: "put back",
  },
  {
    what: "was put back in an older version",
    own: own(BEFORE, 8),
    stored: stored(3, at(BEFORE, 6)),
    step: "put back",
  },
  {
    what: "was put back in a newer version",
    own: own(BEFORE, 4),
    stored: stored(3, at(BEFORE, 6)),
    step: "take",
  },
  {
    what: "was put back from yet another history",
    own: own(LONG_AGO, 8),
    stored: stored(3, at(BEFORE, 6)),
    step: "take",
  },
  { what: "was deleted later", own: own(BEFORE, 6), deleted: at(BEFORE, 7), step: "delete" },
  { what: "was created again since", own: own(BEFORE, 9), deleted: at(BEFORE, 7), step: "put back" },
  { what: "was deleted since", own: own(BEFORE, 6), deleted: at(NOW, 4), step: "delete" },
  {
    what: "was deleted later than it was put back",
    stored: stored(3, at(BEFORE, 6)),
    deleted: at(BEFORE, 7),
    step: "delete in etcd",
  },
  {
    what: "was put back in a version after that in which it was deleted",
    stored: stored(3, at(BEFORE, 9)),
    deleted: at(BEFORE, 7),
    step: "take",
  },
];

const OLD: Case[] = [
  { what: "is there", own: "0000000000000006", stored: stored(6), step: "take" },
  { what: "is not there", own: "0000000000000006", step: "delete" },
];

const groups: [string, Case[]][] = [
  ["within one history", SAME],
  ["of an etcd that has lost its data", LOST],
  ["of a document of version 0.1.0", OLD],
];
for (const [group, cases] of groups) {
  describe(`what becomes of an upstream ${group}`, () => {
    for (const { what, own: version, stored: there, deleted, step } of cases) {
      it(`that ${what}: ${step}`, () => {
        expect(decide(version, there, { history: NOW, is_complete: true, deleted })).equal(step);
      });
    }
  });
}

describe("what becomes of an upstream of a document of version 0.1.0 in an empty etcd", () => {
  it("is that it is put back", () => {
    const around = { history: NOW, is_complete: false, deleted: undefined };
    expect(decide("0000000000000006", undefined, around)).equal("put back");
  });
});

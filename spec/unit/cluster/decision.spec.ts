import { decide, type Step, type Stored } from "../../../src/resty/sluice/cluster/decision";
import { format_version, type Version } from "../../../src/resty/sluice/cluster/version";
import { NO_HISTORY } from "../../../src/resty/sluice/store/document/clustered";
import { expect } from "../support/expect";

const NOW = "aaaaaaaabbbbbbbb";
const BEFORE = "ccccccccbbbbbbbb";
const LONG_AGO = "ddddddddbbbbbbbb";
const UNSHARED: Version = { history: NO_HISTORY, revision: 0 };

function at(history: string, revision: number): Version {
  return { history, revision };
}

/** Returns a version in the form of a document. */
function own(history: string, revision: number): string {
  return format_version(at(history, revision));
}

/** Returns a value in etcd. `origin`: the version that was put back; `of`: the history of its revision. */
function stored(revision: number, origin?: Version, of = NOW): Stored {
  const version = at(of, revision);
  return { revision, version, content: origin ?? version };
}

interface Case {
  what: string;
  own?: string;
  /** The version of this gateway's content before it was put back. */
  origin?: Version;
  stored?: Stored;
  deleted?: Version;
  step: Step;
}

const SAME: Case[] = [
  { what: "has the same revision in etcd", own: own(NOW, 6), stored: stored(6), step: "keep" },
  { what: "was changed in etcd", own: own(NOW, 6), stored: stored(7), step: "take" },
  { what: "has an older revision in etcd", own: own(NOW, 8), stored: stored(7), step: "keep" },
  { what: "was deleted in etcd", own: own(NOW, 6), step: "delete" },
  { what: "exists only in etcd", stored: stored(6), step: "take" },
  { what: "does not exist", step: "keep" },
  { what: "was never shared and is not in etcd", own: "", step: "put back" },
  { what: "was never shared and is in etcd", own: "", stored: stored(6), step: "take" },
  { what: "was never shared and was deleted in etcd", own: "", deleted: at(NOW, 4), step: "delete" },
];

const LOST: Case[] = [
  { what: "has the same revision of another history", own: own(BEFORE, 6), stored: stored(6), step: "take" },
  { what: "has a later revision of another history", own: own(BEFORE, 9), stored: stored(6), step: "take" },
  { what: "is lost in etcd", own: own(BEFORE, 6), step: "put back" },
  {
    what: "was put back in the same version",
    own: own(BEFORE, 6),
    stored: stored(3, at(BEFORE, 6)),
    step: "take",
  },
  {
    what: "was replaced in etcd by an upstream that was never shared",
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
  { what: "was deleted after its version", own: own(BEFORE, 6), deleted: at(BEFORE, 7), step: "delete" },
  {
    what: "was created again after its deletion",
    own: own(BEFORE, 9),
    deleted: at(BEFORE, 7),
    step: "put back",
  },
  { what: "was deleted in the present history", own: own(BEFORE, 6), deleted: at(NOW, 4), step: "delete" },
  {
    what: "was put back in a version before its deletion",
    stored: stored(3, at(BEFORE, 6)),
    deleted: at(BEFORE, 7),
    step: "delete in etcd",
  },
  {
    what: "was put back in a version after its deletion",
    stored: stored(3, at(BEFORE, 9)),
    deleted: at(BEFORE, 7),
    step: "take",
  },
];

const COPIED: Case[] = [
  {
    what: "was changed after the copy",
    ...{ own: own(BEFORE, 9), stored: stored(6, undefined, BEFORE), step: "put back" },
  },
  {
    what: "was put back after the copy",
    ...{ own: own(BEFORE, 9), origin: at(LONG_AGO, 7), stored: stored(6, at(LONG_AGO, 5), BEFORE) },
    step: "put back",
  },
  {
    what: "is in the copy",
    ...{ own: own(BEFORE, 6), stored: stored(6, undefined, BEFORE), step: "take" },
  },
  {
    what: "has missed the copied change",
    ...{ own: own(LONG_AGO, 9), stored: stored(6, undefined, BEFORE), step: "take" },
  },
  {
    what: "has missed that the copied version was put back, and is later",
    ...{ own: own(LONG_AGO, 9), stored: stored(6, at(LONG_AGO, 8), BEFORE), step: "put back" },
  },
];

const LOST_TWICE: Case[] = [
  {
    what: "had a later version than the one that is put back",
    ...{ own: own(BEFORE, 2), origin: at(LONG_AGO, 8), stored: stored(3, at(LONG_AGO, 6)), step: "put back" },
  },
  {
    what: "had an earlier version than the one that is put back",
    ...{ own: own(BEFORE, 2), origin: at(LONG_AGO, 5), stored: stored(3, at(LONG_AGO, 6)), step: "take" },
  },
  {
    what: "was never shared before the one that is put back",
    ...{ own: own(BEFORE, 2), origin: UNSHARED, stored: stored(3, at(LONG_AGO, 6)), step: "take" },
  },
  {
    what: "was never shared, as the one that is put back",
    ...{ own: own(BEFORE, 2), origin: UNSHARED, stored: stored(3, UNSHARED), step: "take" },
  },
  {
    what: "was deleted after its version",
    ...{ own: own(BEFORE, 2), origin: at(LONG_AGO, 6), deleted: at(LONG_AGO, 7), step: "delete" },
  },
  {
    what: "is in etcd as it was put back there",
    ...{ own: own(NOW, 2), origin: at(LONG_AGO, 8), stored: stored(2, at(LONG_AGO, 8)), step: "keep" },
  },
  {
    what: "was put back there by another gateway",
    ...{ own: own(NOW, 2), origin: at(LONG_AGO, 8), stored: stored(4, at(LONG_AGO, 9)), step: "take" },
  },
];

const OLD: Case[] = [
  { what: "is in etcd", own: "0000000000000006", stored: stored(6), step: "take" },
  { what: "is not in etcd", own: "0000000000000006", step: "delete" },
];

const groups: [string, Case[]][] = [
  ["within one history", SAME],
  ["of an etcd that has lost its data", LOST],
  ["of a copied etcd", COPIED],
  ["of an etcd that has lost its data twice", LOST_TWICE],
  ["of a document of version 0.1.0", OLD],
];
for (const [group, cases] of groups) {
  describe(`the decision about an upstream ${group}`, () => {
    for (const { what, own: version, origin, stored: there, deleted, step } of cases) {
      it(`that ${what}: ${step}`, () => {
        const around = { history: NOW, is_complete: true, deleted };
        const own_origin = origin === undefined ? undefined : format_version(origin);
        expect(decide(version, own_origin, there, around)).equal(step);
      });
    }
  });
}

describe("the decision about an upstream of a document of version 0.1.0 in an empty etcd", () => {
  it("is to put it back", () => {
    const around = { history: NOW, is_complete: false, deleted: undefined };
    expect(decide("0000000000000006", undefined, undefined, around)).equal("put back");
  });
});

import {
  call_count,
  ETCD_CONFIG,
  etcd_put,
  etcd_value,
  fail_next,
  reset_etcd,
  stub_ngx,
  type Failure,
} from "../support/etcd";
import { make_changes } from "../../../src/resty/sluice/cluster/transaction";
import { LOST } from "../../../src/resty/sluice/store/document/problems";
import { expect } from "../support/expect";

/** The last digits identify the cluster of the small etcd, which does not name it. */
const HISTORY = "0123456700000000";
const KEY = "/s/app";
const UNCONNECTED: Failure = { cause: "could not connect: connection refused" };
const TIMEOUT: Failure = { cause: "timeout" };

/** Changes the upstream "app" from a revision. Returns the new revision, or undefined and the problem. */
function change(value: string, from: number): ReturnType<typeof make_changes> {
  return make_changes(ETCD_CONFIG, [{ name: "app", value, is_deletion: false, from }], HISTORY);
}

/** Deletes it, in the same way. `token`: the value of the record. */
function remove(token: string, from: number): ReturnType<typeof make_changes> {
  return make_changes(ETCD_CONFIG, [{ name: "app", value: token, is_deletion: true, from }], HISTORY);
}

describe("a change of an upstream's key in etcd", () => {
  before_each(() => {
    stub_ngx();
    reset_etcd();
    etcd_put("/s/state/history", HISTORY);
  });

  it("creates the key, and returns the revision of etcd", () => {
    const [revision, problem] = change("one", 0);
    expect(problem).equal(undefined);
    expect(etcd_value(KEY)).equal("one");
    expect(change("two", revision as number)[0]).equal((revision as number) + 1);
    expect(etcd_value(KEY)).equal("two");
  });

  it("deletes the key, and records the deletion", () => {
    const from = etcd_put(KEY, "one");
    expect(remove("a token", from)[1]).equal(undefined);
    expect(etcd_value(KEY)).equal(undefined);
    expect(etcd_value("/s/deleted/app")).equal("a token");
  });

  it("loses against a change that came first, and changes nothing", () => {
    const from = etcd_put(KEY, "one");
    etcd_put(KEY, "another");
    expect(change("two", from)[1]).equal(LOST);
    expect(change("two", 0)[1]).equal(LOST);
    expect(etcd_value(KEY)).equal("another");
  });

  it("is refused when etcd has begun another history", () => {
    etcd_put("/s/state/history", "fedcba9876543210");
    const [revision, problem] = change("one", 0);
    expect(revision).equal(undefined);
    expect(problem?.code).equal("ClusterUnavailable");
    expect(etcd_value(KEY)).equal(undefined);
  });

  it("is made by the next member when a member cannot be reached", () => {
    fail_next(UNCONNECTED);
    expect(change("one", 0)[1]).equal(undefined);
    expect(etcd_value(KEY)).equal("one");
    expect(call_count()).equal(2);
  });

  it("fails with a known outcome when no member can be reached", () => {
    fail_next(UNCONNECTED, UNCONNECTED, UNCONNECTED);
    const [, problem] = change("one", 0);
    expect(problem?.code).equal("ClusterUnavailable");
    expect(problem?.text).contains("connection refused");
    expect(string.find(problem?.text ?? "", "outcome unknown", 1, true)[0]).equal(undefined);
    expect(etcd_value(KEY)).equal(undefined);
  });

  it("is made once when its answer is lost", () => {
    fail_next({ ...TIMEOUT, is_made: true });
    const [revision, problem] = change("one", 0);
    expect(problem).equal(undefined);
    expect(etcd_value(KEY)).equal("one");
    expect(change("two", revision as number)[1]).equal(undefined);
  });

  it("is recognised when its answer is lost and another gateway has changed the key since", () => {
    fail_next({ ...TIMEOUT, is_made: true, after: () => etcd_put(KEY, "later") });
    const [revision, problem] = change("one", 0);
    expect(problem).equal(undefined);
    expect(change("two", revision as number)[1]).equal(LOST);
    expect(etcd_value(KEY)).equal("later");
  });

  it("has lost when its request never arrived and another gateway has changed the key since", () => {
    const from = etcd_put(KEY, "one");
    fail_next({ ...TIMEOUT, after: () => etcd_put(KEY, "another") });
    expect(change("two", from)[1]).equal(LOST);
    expect(etcd_value(KEY)).equal("another");
  });

  it("is recognised as a deletion whose answer is lost, also if another gateway has added the key since", () => {
    for (const after of [() => undefined, () => etcd_put(KEY, "another")]) {
      reset_etcd();
      etcd_put("/s/state/history", HISTORY);
      const from = etcd_put(KEY, "one");
      fail_next({ ...TIMEOUT, is_made: true, after });
      const [revision, problem] = remove("a token", from);
      expect(problem).equal(undefined);
      expect(revision).equal(from + 1);
    }
  });

  it("does not take another gateway's deletion for its own", () => {
    for (const is_added of [true, false]) {
      reset_etcd();
      etcd_put("/s/state/history", HISTORY);
      const from = etcd_put(KEY, "one");
      const after = (): void => {
        etcd_put(KEY, undefined);
        etcd_put("/s/deleted/app", "another token");
        if (is_added) etcd_put(KEY, "one");
      };
      fail_next({ ...TIMEOUT, after });
      expect(remove("a token", from)[1]).equal(LOST);
      expect(etcd_value(KEY)).equal(is_added ? "one" : undefined);
    }
  });

  it("has an unknown outcome in a copy of etcd, where it may be lost", () => {
    const copied = "0123456789abcdef";
    etcd_put("/s/state/history", copied);
    const changes = [{ name: "app", value: "one", is_deletion: false, from: 0 }];
    const [revision, problem] = make_changes(ETCD_CONFIG, changes, copied);
    expect(revision).equal(undefined);
    expect(problem?.text).contains("outcome unknown");
  });

  it("is made together with changes of other keys, or not at all", () => {
    const from = etcd_put(KEY, "one");
    const both = (at: number) =>
      make_changes(
        ETCD_CONFIG,
        [
          { name: "app", value: "a token", is_deletion: true, from: at },
          { name: "shop", value: "new", is_deletion: false, from: 0 },
        ],
        HISTORY,
      );
    expect(both(from + 1)[1]).equal(LOST);
    expect([etcd_value(KEY), etcd_value("/s/shop")]).same(["one", undefined] as unknown);
    expect(both(from)[1]).equal(undefined);
    expect(etcd_value(KEY)).equal(undefined);
    expect(etcd_value("/s/shop")).equal("new");
  });

  it("is refused with more keys than a transaction of etcd can have", () => {
    const changes = [];
    for (const number of $range(1, 128)) {
      changes.push({ name: `u${number}`, value: "one", is_deletion: false, from: 0 });
    }
    expect(make_changes(ETCD_CONFIG, changes, HISTORY)[1]?.code).equal("TooManyUpstreams");
    expect(call_count()).equal(0);
  });

  it("has an unknown outcome when no member answers", () => {
    fail_next(TIMEOUT, TIMEOUT, TIMEOUT);
    const [, problem] = change("one", 0);
    expect(problem?.code).equal("ClusterUnavailable");
    expect(problem?.text).contains("outcome unknown");
  });

  it("is sent to only one member when every member would refuse it", () => {
    fail_next({ cause: "request is too large", refusal: "too large" });
    expect(change("one", 0)[1]?.code).equal("UpstreamTooLarge");
    expect(call_count()).equal(1);
    fail_next({ cause: "permission denied", refusal: "not permitted" });
    expect(change("one", 0)[1]?.code).equal("ClusterForbidden");
  });
});

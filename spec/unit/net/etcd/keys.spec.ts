import { member, TIMED_OUT, TOO_LARGE } from "../../support/etcd_pages";
import type { EtcdClient } from "../../../../src/resty/sluice/net/etcd/client";
import { list_keys } from "../../../../src/resty/sluice/net/etcd/keys";
import { expect } from "../../support/expect";

function list(): ReturnType<typeof list_keys> {
  return list_keys({} as EtcdClient, "/a/");
}

describe("the list of keys below a prefix", () => {
  before_each(() => {
    member.asked = [];
    member.largest = 500;
    member.is_alive = true;
  });

  it("is requested in pages of 500 keys", () => {
    expect(list()[0]).same({
      keys: [{ key: "/a/1", value: "x", revision: 5 }],
      revision: 7,
      cluster_id: "1",
    });
    expect(member.asked).same([500]);
  });

  it("is requested in smaller pages while they are too large", () => {
    member.largest = 5;
    member.failure = TOO_LARGE;
    expect(list()[0]?.revision).equal(7);
    expect(member.asked).same([500, 50, 5]);
  });

  it("is requested in smaller pages while they take a living member too long", () => {
    member.largest = 5;
    member.failure = TIMED_OUT;
    expect(list()[0]?.revision).equal(7);
    expect(member.asked).same([500, "alive", 50, "alive", 5]);
  });

  it("fails at once if the member answers nothing", () => {
    member.largest = 0;
    member.failure = TIMED_OUT;
    member.is_alive = false;
    expect(list()[1]).equal(TIMED_OUT);
    expect(member.asked).same([500, "alive"]);
  });

  it("fails at once for other reasons, and when a page of one key is too large", () => {
    member.largest = 0;
    member.failure = "status 503: no leader";
    expect(list()[1]).equal("status 503: no leader");
    expect(member.asked).same([500]);
    member.asked = [];
    member.failure = TOO_LARGE;
    expect(list()[1]).equal(TOO_LARGE);
    expect(member.asked).same([500, 50, 5, 1]);
  });
});

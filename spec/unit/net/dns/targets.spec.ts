import { TYPES, type DnsRecord } from "../../../../src/resty/sluice/net/dns/message";
import { addresses_of_targets, type Asker } from "../../../../src/resty/sluice/net/dns/targets";
import { expect } from "../../support/expect";

/** The answers by question: an address, "" for no record, or undefined for a failure. */
type Script = Record<string, string | undefined>;

const SECTIONS = { answer: 1, additional: 3 };

function record(name: string, family: "A" | "AAAA", host: string, section: number): DnsRecord {
  return { name, type: TYPES[family], section, ttl: 30, host };
}

/** Answers from a script, and records the questions. Each question takes a second. */
function asker_of(script: Script): { asker: Asker; asked: string[]; time: { now: number } } {
  const asked: string[] = [];
  const time = { now: 100 };
  const asker: Asker = {
    ask: (name, record_type) => {
      const question = `${record_type} ${name}`;
      asked.push(question);
      const address = script[question];
      if (address === undefined) {
        time.now += 1;
        return $multi(undefined, `${question} has failed`);
      }
      const family = record_type === "A" ? "A" : "AAAA";
      return $multi(address === "" ? [] : [record(name, family, address, SECTIONS.answer)], undefined);
    },
    known: new LuaTable(),
    now: () => time.now,
    min_ttl: 1,
    max_ttl: 60,
  };
  return { asker, asked, time };
}

describe("the addresses of SRV targets", () => {
  it("have both families, each with its own question", () => {
    const { asker, asked } = asker_of({ "A one": "10.0.0.1", "AAAA one": "[fd00::1]" });
    const { targets, ttl, cause } = addresses_of_targets(asker, ["one"], []);
    expect(targets.get("one")).same({ hosts: ["10.0.0.1", "[fd00::1]"], unknown: [] });
    expect(asked).same(["A one", "AAAA one"]);
    expect(ttl).equal(30);
    expect(cause).equal(undefined);
  });

  it("are the last known ones while a question fails, and an answer removes them", () => {
    const script: Script = { "A one": "10.0.0.1", "AAAA one": "[fd00::1]" };
    const { asker, time } = asker_of(script);
    asker.known = addresses_of_targets(asker, ["one"], []).known;
    script["AAAA one"] = undefined;
    let all = addresses_of_targets(asker, ["one"], []);
    expect(all.targets.get("one")).same({
      hosts: ["10.0.0.1", "[fd00::1]"],
      unknown: [],
      problem: "AAAA one has failed",
    });
    asker.known = all.known;
    time.now += 60;
    script["AAAA one"] = "";
    all = addresses_of_targets(asker, ["one"], []);
    expect(all.targets.get("one").hosts).same(["10.0.0.1"]);
  });

  it("are unknown until a question has been answered", () => {
    const { asker } = asker_of({ "A one": "10.0.0.1" });
    const { targets, answered, cause } = addresses_of_targets(asker, ["one"], []);
    expect(targets.get("one").unknown).same(["AAAA"]);
    expect(answered).equal(1);
    expect(cause).equal("AAAA one has failed");
  });

  it("are asked for less often the longer a question fails", () => {
    const { asker, asked, time } = asker_of({ "A one": "10.0.0.1" });
    const count = () => {
      let failed = 0;
      for (const question of asked) failed += question === "AAAA one" ? 1 : 0;
      return failed;
    };
    for (const _ of $range(1, 600)) {
      asker.known = addresses_of_targets(asker, ["one"], []).known;
      time.now += 1;
    }
    expect(count() >= 10 && count() <= 20).equal(true);
  });

  it("do not wait for many failing questions: the remaining ones wait for the next round", () => {
    const script: Script = {};
    const names: string[] = [];
    for (const number of $range(1, 50)) {
      names.push(`host${number}`);
      script[`A host${number}`] = "10.0.0.1";
    }
    const { asker, asked } = asker_of(script);
    const { targets } = addresses_of_targets(asker, names, []);
    expect(asked.length).equal(names.length + 5);
    expect(targets.get("host50").hosts).same(["10.0.0.1"]);
    expect(targets.get("host50").unknown).same(["AAAA"]);
  });

  it("in the additional section are not asked for, and a missing family is asked for only after max_ttl", () => {
    const { asker, asked, time } = asker_of({ "AAAA one": "" });
    const additional = [record("ONE", "A", "10.0.0.1", SECTIONS.additional)];
    for (const _ of $range(1, 10)) {
      const all = addresses_of_targets(asker, ["one"], additional);
      asker.known = all.known;
      expect(all.targets.get("one").hosts).same(["10.0.0.1"]);
      expect(all.ttl).equal(30);
    }
    expect(asked).same(["AAAA one"]);
    time.now += 61;
    addresses_of_targets(asker, ["one"], additional);
    expect(asked.length).equal(2);
  });

  it("are all asked for again when nothing was answered, because the whole source backs off", () => {
    const { asker, asked } = asker_of({});
    for (const _ of $range(1, 2)) {
      const all = addresses_of_targets(asker, ["one"], []);
      expect(all.answered).equal(0);
      asker.known = all.known;
    }
    expect(asked.length).equal(4);
  });

  it("are asked for in a later round when the questions of the first targets always fail", () => {
    const { asker } = asker_of({ "A host9": "10.0.0.9" });
    const names = ["host1", "host2", "host3", "host4", "host5", "host6", "host7", "host9"];
    let hosts: string[] = [];
    for (const _ of $range(1, 3)) {
      const all = addresses_of_targets(asker, names, []);
      asker.known = all.known;
      hosts = all.targets.get("host9").hosts;
    }
    expect(hosts).same(["10.0.0.9"]);
  });

  it("are asked for again after failures, however many other questions fail", () => {
    const script: Script = {};
    const { asker, time } = asker_of(script);
    const names: string[] = [];
    for (const number of $range(1, 100)) names.push(`host${number}`);
    let hosts: string[] = [];
    for (const round of $range(1, 100)) {
      if (round === 50) script["A host100"] = "10.0.0.1";
      const all = addresses_of_targets(asker, names, []);
      asker.known = all.known;
      hosts = all.targets.get("host100").hosts;
      time.now += 1;
    }
    expect(hosts).same(["10.0.0.1"]);
  });
});

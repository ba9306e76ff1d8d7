import { read_settings, type UpstreamSettings } from "../../../../src/resty/sluice/config/settings";
import { read_start } from "../../../../src/resty/sluice/store/disk/first_line";
import { apply_journal, empty_state } from "../../../../src/resty/sluice/store/disk/replay";
import { seal } from "../../../../src/resty/sluice/store/disk/sealed";
import { difference } from "../../../../src/resty/sluice/store/document/difference";
import type { Document } from "../../../../src/resty/sluice/store/document/document";
import { expect } from "../../support/expect";
import { expect_quick } from "../../support/quick";
import {
  CHANGES,
  describe_state,
  document,
  file_of,
  JOURNAL,
  JOURNAL_START,
  load_journal,
  restored,
  with_each_bit_flipped,
} from "../../support/saved_files";
import { format_change, format_deletion } from "../../support/journal_lines";

/** Changes a line, and returns it with a matching checksum. */
function resealed(line: string, pattern: string, replacement: string): string {
  const [json] = string.gsub(line, ',"crc":"%x+"}\n$', "}");
  return seal(string.gsub(json, pattern, replacement)[0]);
}

describe("a journal", () => {
  it("has one readable line for each change", () => {
    expect(CHANGES[2]).equal(
      '{"revision":3,"upstream":"app","method":"round_robin","next_id":3,' +
        '"put":[{"id":0,"incarnation":1,"server":"10.0.0.1:80","weight":9}],"remove":[1],"crc":"440fe6ae"}\n',
    );
    expect(CHANGES[4]).equal('{"revision":5,"upstream":"app","deleted":true,"crc":"e6ec29e2"}\n');
    expect(JOURNAL_START).equal('{"sluice":"journal","format":2,"follows":0,"crc":"c472141d"}\n');
  });

  it("restores the state after its last line", () => {
    const [state, bytes] = load_journal(CHANGES[0] + CHANGES[1] + CHANGES[2]);
    expect(bytes).equal((CHANGES[0] + CHANGES[1] + CHANGES[2]).length);
    expect(state.revision).equal(3);
    expect(describe_state(state)).equal(
      'app@3: 0 1 1 {"server":"10.0.0.1:80","weight":9}, 2 2 1 {"server":"10.0.0.3:80"}',
    );
    expect(describe_state(load_journal(JOURNAL)[0])).equal('app@6: 0 6 1 {"server":"10.0.0.1:80"}; two@4: ');
  });

  it("takes linear time to read when its last line was not finished", () => {
    const torn = `${JOURNAL}${string.rep("x", 1_000_000)}`;
    expect_quick(() => {
      expect(load_journal(torn)[1]).equal(JOURNAL.length);
    });
  });

  it("loads up to the last whole line if it is cut off at any byte", () => {
    let whole = 0;
    let end = 0;
    for (const length of $range(0, JOURNAL.length)) {
      if (whole < CHANGES.length && length === end + CHANGES[whole].length) {
        end = length;
        whole += 1;
      }
      const [state, bytes, cause] = load_journal(string.sub(JOURNAL, 1, length));
      expect(cause).equal(undefined);
      expect(bytes).equal(end);
      expect(state.revision).equal(whole);
    }
    expect(whole).equal(CHANGES.length);
  });

  it("is refused with the line's number when a line is damaged", () => {
    for (const damaged of ["garbage\n", "\n", '{"revision":2}\n', "[]\n"]) {
      const [, bytes, cause] = load_journal(CHANGES[0] + damaged + CHANGES[1]);
      expect(bytes).equal(undefined);
      expect(cause).contains("journal: line 3: the line is damaged");
    }
    const torn = string.sub(CHANGES[1], 1, 20);
    expect(load_journal(CHANGES[0] + torn + CHANGES[1] + CHANGES[2])[2]).contains(
      "line 3: the line is damaged",
    );
  });

  it("is refused when any bit is flipped", () => {
    with_each_bit_flipped(JOURNAL_START + JOURNAL, (damaged) => {
      const [start, flaw] = read_start(damaged, "journal");
      const file = { path: "journal", text: damaged, start: start ?? { is_sealed: true, revision: 0 } };
      let [applied, cause] = apply_journal(empty_state(), file);
      if (start === undefined) [applied, cause] = [undefined, flaw];
      expect(applied).equal(undefined);
      expect(cause).truthy();
    });
  });

  it("is refused when a revision is missing", () => {
    expect(load_journal(CHANGES[0] + CHANGES[2])[2]).contains(
      "line 3: revision 3 does not follow revision 1",
    );
    expect(load_journal(CHANGES[1])[2]).contains("line 2: revision 2 does not follow revision 0");
  });

  it("of version 0.1.0 has neither a first line nor checksums", () => {
    const old = string.gsub(JOURNAL, ',"crc":"%x+"}\n', "}\n")[0];
    const state = empty_state();
    expect(apply_journal(state, file_of("journal", old))[0]?.revision).equal(6);
    expect(describe_state(state)).equal(describe_state(load_journal(JOURNAL)[0]));
    const [, cause] = apply_journal(empty_state(), file_of("journal", old + CHANGES[0]));
    expect(cause).contains("line 7: the line is damaged");
    expect(read_start(JOURNAL, "journal")[1]).contains("not the first line");
  });

  it("of a later version is refused", () => {
    const later = resealed(JOURNAL_START, '"format":2', '"format":3');
    expect(read_start(later, "journal")[1]).contains("the file has format 3, and this version reads up to 2");
  });
});

describe("a journal's line", () => {
  const session_secret = "00112233445566778899aabbccddeeff";
  const hash = { key: "$uri", consistent: true };
  const hashed = format_change(
    "app",
    {
      ...document(1),
      method: "hash",
      hash,
      sticky: { route: { variables: ["$arg_r"] } },
      session_secret,
    },
    difference([], []),
  );

  /** Returns the upstream "app" after these lines. */
  function app_of(text: string): Document | undefined {
    return restored(load_journal(text)[0]).app;
  }

  it("contains the method, the sticky sessions and the secret", () => {
    expect(hashed).equal(
      '{"revision":1,"upstream":"app","method":"hash","hash":{"key":"$uri","consistent":true},' +
        `"sticky":{"route":{"variables":["$arg_r"]}},"session_secret":"${session_secret}",` +
        '"next_id":0,"put":[],"remove":[],"crc":"8e8cc232"}\n',
    );
    expect(app_of(hashed)).same({
      ...document(1),
      method: "hash",
      hash,
      sticky: { route: { variables: ["$arg_r"] } },
      session_secret,
    });
  });

  it("contains all settings", () => {
    const [settings] = read_settings({
      health_check: { uri: "/health", match: { status: "200", headers: { server: "x" } } },
      outlier_detection: { success_rate_minimum_hosts: 3 },
      panic_threshold: 0,
      retries: { budget: {} },
      queue: { size: 10 },
    });
    const whole = { ...document(1), ...(settings as UpstreamSettings) };
    const line = format_change("app", whole, difference([], []));
    expect(app_of(line)).same(whole);
    const damaged = resealed(line, '"size":10', '"size":0');
    expect(load_journal(damaged)[2]).contains('line 2: invalid "queue.size":');
  });

  it("may contain only the method, as in earlier versions", () => {
    expect(app_of(CHANGES[0])?.method).equal("round_robin");
    const least_time = resealed(CHANGES[0], "round_robin", "least_time");
    expect(app_of(least_time)?.least_time).same({ measure: "header", inflight: false });
  });

  it("removes settings that the line does not contain, except the secret", () => {
    const plain = format_change("app", document(2), difference([], []));
    expect(app_of(hashed + plain)).same({ ...document(2), session_secret });
    const later = format_change("app", document(3), difference([], []));
    expect(app_of(hashed + format_deletion("app", 2, false) + later)).same(document(3));
  });

  const damages: [string, string, string][] = [
    ["an unknown method", '"method":"hash"', '"method":"best"'],
    ["a method that is not a string", '"method":"hash"', '"method":5'],
    ["a block that is not an object", '"hash":{', '"hash":5,"x":{'],
    ["a missing key", '"key"', '"kee"'],
    ["an invalid key", '"$uri"', '"$"'],
    ["a string instead of a list", '["$arg_r"]', '"$arg_r"'],
    ["a secret that is too short", "00112233", "0011223"],
    ["a secret that is not hexadecimal", "00112233", "0011223x"],
    ["a secret that is not a string", `"${session_secret}"`, "5"],
    ["an invalid server", '"put":[]', '"put":[5]'],
    ["an invalid name", '"upstream":"app"', '"upstream":"a/b"'],
    ["an invalid revision", '"revision":1', '"revision":-1'],
    ["an invalid next id", '"next_id":0', '"next_id":1.5'],
    ["an unknown member", '"next_id":0', '"next_id":0,"nxt":0'],
    ["an invalid id", '"remove":[]', '"remove":[-1]'],
    ["an invalid decision to scale", '"next_id":0', '"next_id":0,"scaling":5'],
    ["a call without a body", '"next_id":0', '"next_id":0,"call":{"id":"x"}'],
    ["drained servers that are not a list", '"next_id":0', '"next_id":0,"drained":5'],
    ["a drained server without a time", '"next_id":0', '"next_id":0,"drained":[{"id":1,"server":"x"}]'],
  ];
  for (const [what, members] of [
    ["an invalid weight", '"weight":"x"'],
    ["a weight of 0", '"weight":0'],
    ["an invalid address", '"server":"10.0.0.1:x"'],
    ["a negative id", '"id":-1'],
    ["no incarnation", '"incarnation":0'],
    ["the incarnation of a later revision", '"incarnation":2'],
    ["the end of a drain job, but not draining", '"leave_by":"idle"'],
    ["an unknown source", '"source":"heaven"'],
    ["a registration without a name", '"source":"register","node":{"ttl":"3s"}'],
    ["a registration without a source", '"node":{"name":"n","ttl":"3s"}'],
    ["an unknown member", '"wieght":2'],
  ]) {
    damages.push([
      `a server with ${what}`,
      '"put":[]',
      `"put":[{"id":0,"incarnation":1,"server":"10.0.0.1:80",${members}}]`,
    ]);
  }
  for (const [what, whole, damaged] of damages) {
    it(`is refused with ${what}`, () => {
      const [start, end] = string.find(hashed, whole, 1, true);
      const line = string.sub(hashed, 1, start - 1) + damaged + string.sub(hashed, end + 1);
      expect(load_journal(resealed(line, "$^", ""))[2]).contains("line 2: ");
    });
  }
});

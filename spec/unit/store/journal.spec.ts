import { SERVER_DEFAULTS } from "../../../src/resty/sluice/config/server";
import { read_settings, type UpstreamSettings } from "../../../src/resty/sluice/config/settings";
import { difference } from "../../../src/resty/sluice/store/difference";
import { format_line, type Document, type ServerRecord } from "../../../src/resty/sluice/store/document";
import {
  format_change,
  format_deletion,
  format_image_end,
  format_image_start,
  image_revision,
} from "../../../src/resty/sluice/store/journal";
import {
  apply_image,
  apply_journal,
  empty_state,
  to_document,
  type SavedState,
  type SavedUpstream,
} from "../../../src/resty/sluice/store/replay";
import { expect } from "../support/expect";

function line(id: number, incarnation: number, server: string, weight = 1): string {
  const record: ServerRecord = { ...SERVER_DEFAULTS, id, incarnation, row: 5, server, weight };
  return format_line(record);
}

function document(revision: number, next_id: number, lines: string[]): Document {
  return { revision, next_id, row: 1, method: "round_robin", leavers: [], lines };
}

const A = line(0, 1, "10.0.0.1:80");
const B = line(1, 1, "10.0.0.2:80");
const C = line(2, 2, "10.0.0.3:80");
const A_HEAVY = line(0, 1, "10.0.0.1:80", 9);

const CHANGES = [
  format_change("app", document(1, 2, [A, B]), difference([], [A, B])),
  format_change("app", document(2, 3, [A, B, C]), difference([A, B], [A, B, C])),
  format_change("app", document(3, 3, [A_HEAVY, C]), difference([A, B, C], [A_HEAVY, C])),
  format_change("two", document(4, 0, []), difference([], [])),
  format_deletion("app", 5),
  format_change(
    "app",
    document(6, 1, [line(0, 6, "10.0.0.9:80")]),
    difference([], [line(0, 6, "10.0.0.9:80")]),
  ),
];
const JOURNAL = table.concat(CHANGES);

function load(text: string): LuaMultiReturn<[SavedState, number | undefined, string | undefined]> {
  const state = empty_state();
  const [bytes, cause] = apply_journal(state, text);
  return $multi(state, bytes, cause);
}

/** `upstream address weight; …`, in the order of ids. */
function describe_state(state: SavedState): string {
  const parts: string[] = [];
  for (const [name, saved] of pairs(state.upstreams)) {
    let text = `${name}:`;
    const restored = to_document(saved, () => 1);
    for (const server of restored?.lines ?? []) text += ` ${server}`;
    parts.push(text);
  }
  table.sort(parts);
  return table.concat(parts, "; ");
}

describe("a journal", () => {
  it("is a readable line a change", () => {
    expect(CHANGES[2]).equal(
      '{"revision":3,"upstream":"app","method":"round_robin","next_id":3,' +
        '"put":[{"id":0,"incarnation":1,"server":"10.0.0.1:80","weight":9}],"remove":[1]}\n',
    );
    expect(CHANGES[4]).equal('{"revision":5,"upstream":"app","deleted":true}\n');
  });

  it("makes the state that its lines made", () => {
    const [state, bytes] = load(CHANGES[0] + CHANGES[1] + CHANGES[2]);
    expect(bytes).equal((CHANGES[0] + CHANGES[1] + CHANGES[2]).length);
    expect(state.revision).equal(3);
    expect(describe_state(state)).equal(
      'app: 0 1 1 {"server":"10.0.0.1:80","weight":9} 2 2 1 {"server":"10.0.0.3:80"}',
    );
    expect(describe_state(load(JOURNAL)[0])).equal('app: 0 6 1 {"server":"10.0.0.9:80"}; two:');
  });

  it("loads from every prefix, byte by byte, up to the last whole line", () => {
    let whole = 0;
    let end = 0;
    for (const length of $range(0, JOURNAL.length)) {
      if (whole < CHANGES.length && length === end + CHANGES[whole].length) {
        end = length;
        whole += 1;
      }
      const [state, bytes, cause] = load(string.sub(JOURNAL, 1, length));
      expect(cause).equal(undefined);
      expect(bytes).equal(end);
      expect(state.revision).equal(whole);
    }
    expect(whole).equal(CHANGES.length);
  });

  it("is refused with the line's number when a line before the last cannot be read", () => {
    for (const damaged of [
      "garbage\n",
      "\n",
      '{"revision":2}\n',
      '{"revision":2,"upstream":"app"}\n',
      "[]\n",
    ]) {
      const [, bytes, cause] = load(CHANGES[0] + damaged + CHANGES[1]);
      expect(bytes).equal(undefined);
      expect(cause).contains("line 2 cannot be read");
    }
    const torn = string.sub(CHANGES[1], 1, 20);
    expect(load(CHANGES[0] + torn + CHANGES[1] + CHANGES[2])[2]).contains("line 2 cannot be read");
  });

  it("is refused when a revision is missing", () => {
    expect(load(CHANGES[0] + CHANGES[2])[2]).contains("line 2 has revision 3 after 1");
    expect(load(CHANGES[1])[2]).contains("line 1 has revision 2 after 0");
  });
});

describe("a journal's line", () => {
  const session_secret = "00112233445566778899aabbccddeeff";
  const hash = { key: "$uri", consistent: true };
  const hashed = format_change(
    "app",
    {
      ...document(1, 0, []),
      method: "hash",
      hash,
      sticky: { route: { variables: ["$arg_r"] } },
      session_secret,
    },
    difference([], []),
  );

  /** What a state that was made of these lines has of "app". */
  function app_of(text: string): Document | undefined {
    const saved = load(text)[0].upstreams.get("app") as SavedUpstream | undefined;
    return saved === undefined ? undefined : to_document(saved, () => 1);
  }

  it("says how the upstream is balanced, and its secret", () => {
    expect(hashed).equal(
      '{"revision":1,"upstream":"app","method":"hash","hash":{"key":"$uri","consistent":true},' +
        `"sticky":{"route":{"variables":["$arg_r"]}},"session_secret":"${session_secret}",` +
        '"next_id":0,"put":[],"remove":[]}\n',
    );
    expect(app_of(hashed)).same({
      ...document(1, 0, []),
      method: "hash",
      hash,
      sticky: { route: { variables: ["$arg_r"] } },
      session_secret,
    });
  });

  it("says all of the settings", () => {
    const [settings] = read_settings({
      health_check: { uri: "/health", match: { status: "200", headers: { server: "x" } } },
      outlier_detection: { success_rate_minimum_hosts: 3 },
      panic_threshold: 0,
      retries: { budget: {} },
      queue: { size: 10 },
    });
    const whole = { ...document(1, 0, []), ...(settings as UpstreamSettings) };
    const line = format_change("app", whole, difference([], []));
    expect(app_of(line)).same(whole);
    const damaged = string.gsub(line, '"size":10', '"size":0')[0];
    expect(load(damaged)[2]).contains("line 1 cannot be read");
  });

  it("may name the method alone, as earlier versions did", () => {
    expect(app_of(CHANGES[0])?.method).equal("round_robin");
    const least_time = string.gsub(CHANGES[0], "round_robin", "least_time")[0];
    expect(app_of(least_time)?.least_time).same({ measure: "header", inflight: false });
  });

  it("takes off what it does not say, but not the secret", () => {
    const plain = format_change("app", document(2, 0, []), difference([], []));
    expect(app_of(hashed + plain)).same({ ...document(2, 0, []), session_secret });
    expect(app_of(hashed + format_deletion("app", 2) + string.gsub(plain, "2", "3", 1)[0])).same(
      document(3, 0, []),
    );
  });

  const damages: [string, string, string][] = [
    ["an unknown method", '"method":"hash"', '"method":"best"'],
    ["a method that is no string", '"method":"hash"', '"method":5'],
    ["a block that is no object", '"hash":{', '"hash":5,"x":{'],
    ["no key", '"key"', '"kee"'],
    ["a key that is none", '"$uri"', '"$"'],
    ["a list that is none", '["$arg_r"]', '"$arg_r"'],
    ["a secret that is too short", "00112233", "0011223"],
    ["a secret of other signs", "00112233", "0011223x"],
    ["a secret that is no string", `"${session_secret}"`, "5"],
    ["a server that is none", '"put":[]', '"put":[5]'],
  ];
  for (const [what, whole, damaged] of damages) {
    it(`is refused with ${what}`, () => {
      const [start, end] = string.find(hashed, whole, 1, true);
      const line = string.sub(hashed, 1, start - 1) + damaged + string.sub(hashed, end + 1);
      expect(load(line)[2]).contains("line 1 cannot be read");
    });
  }
});

describe("an image", () => {
  const image =
    format_image_start(3) +
    format_change("app", document(3, 3, [A_HEAVY, C]), difference([], [A_HEAVY, C])) +
    format_image_end(3);

  it("counts only whole", () => {
    expect(image_revision(image)).equal(3);
    for (const length of $range(0, image.length - 1)) {
      expect(image_revision(string.sub(image, 1, length))).equal(undefined);
    }
  });

  it("makes the state that it was made of, and the journal goes on from there", () => {
    const state = empty_state();
    expect(apply_image(state, image)[0]).equal(true);
    // The journal may still begin with lines that the image holds.
    const [bytes] = apply_journal(state, JOURNAL);
    expect(bytes).equal(JOURNAL.length);
    expect(state.revision).equal(6);
    expect(describe_state(state)).equal(describe_state(load(JOURNAL)[0]));
  });

  it("may hold some later changes already, for it is written while they are made", () => {
    for (const later of $range(1, CHANGES.length)) {
      // The image says revision 1, but has "app" as it was after `later` changes.
      const [state_then] = load(table.concat(CHANGES, "", 1, later));
      const app = state_then.upstreams.get("app") as SavedUpstream | undefined;
      const state = empty_state();
      state.revision = 1;
      if (app !== undefined) state.upstreams.set("app", app);
      expect(apply_journal(state, JOURNAL)[0]).equal(JOURNAL.length);
      expect(describe_state(state)).equal(describe_state(load(JOURNAL)[0]));
    }
  });

  it("is refused with the line's number when a line cannot be read", () => {
    const [applied, cause] = apply_image(
      empty_state(),
      format_image_start(3) + "garbage\n" + format_image_end(3),
    );
    expect(applied).equal(undefined);
    expect(cause).contains("line 2 cannot be read");
  });
});

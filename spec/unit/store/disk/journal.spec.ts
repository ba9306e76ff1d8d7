import { SERVER_DEFAULTS } from "../../../../src/resty/sluice/config/server";
import { read_settings, type UpstreamSettings } from "../../../../src/resty/sluice/config/settings";
import { read_start } from "../../../../src/resty/sluice/store/disk/first_line";
import {
  end_image,
  format_change,
  format_deletion,
  format_in_image,
  format_journal_start,
  start_image,
} from "../../../../src/resty/sluice/store/disk/journal";
import {
  apply_image,
  apply_journal,
  empty_state,
  to_document,
  type LineFile,
  type SavedState,
} from "../../../../src/resty/sluice/store/disk/replay";
import { seal } from "../../../../src/resty/sluice/store/disk/sealed";
import { difference } from "../../../../src/resty/sluice/store/document/difference";
import type { Document } from "../../../../src/resty/sluice/store/document/document";
import { format_line, type ServerRecord } from "../../../../src/resty/sluice/store/document/line";
import type { RowNumber } from "../../../../src/resty/sluice/store/memory/cells";
import { expect } from "../../support/expect";
import { expect_quick } from "../../support/quick";

function line(id: number, incarnation: number, server: string, weight = 1): string {
  const record: ServerRecord = { ...SERVER_DEFAULTS, id, incarnation, row: 5 as RowNumber, server, weight };
  return format_line(record);
}

function document(revision: number, next_id: number, lines: string[]): Document {
  return { revision, next_id, row: 1 as RowNumber, method: "round_robin", leavers: [], lines };
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
  format_deletion("app", 5, false),
  format_change(
    "app",
    document(6, 1, [line(0, 6, "10.0.0.9:80")]),
    difference([], [line(0, 6, "10.0.0.9:80")]),
  ),
];
const START = format_journal_start(0);
const JOURNAL = table.concat(CHANGES);

function file_of(kind: "journal" | "image", text: string): LineFile {
  const [start, flaw] = read_start(text, kind);
  return { path: kind, text, start: start ?? error(flaw ?? "no first line", 0) };
}

/**
 * Loads a journal, given without its first line. Also returns the number of valid bytes of the given lines.
 */
function load(text: string): LuaMultiReturn<[SavedState, number | undefined, string | undefined]> {
  const state = empty_state();
  const [applied, cause] = apply_journal(state, file_of("journal", START + text));
  return $multi(state, applied === undefined ? undefined : applied.bytes - START.length, cause);
}

/** Changes a line, and returns it with a matching checksum. */
function resealed(line: string, pattern: string, replacement: string): string {
  const [json] = string.gsub(line, ',"crc":"%x+"}\n$', "}");
  return seal(string.gsub(json, pattern, replacement)[0]);
}

/** Returns the servers as `upstream address weight; …`, in the order of ids. */
function describe_state(state: SavedState): string {
  const parts: string[] = [];
  for (const [name, saved] of pairs(state.upstreams)) {
    let text = `${name}:`;
    const restored = to_document(saved, () => 1 as RowNumber);
    for (const server of restored?.lines ?? []) text += ` ${server}`;
    parts.push(text);
  }
  table.sort(parts);
  return table.concat(parts, "; ");
}

describe("a journal", () => {
  it("has one readable line for each change", () => {
    expect(CHANGES[2]).equal(
      '{"revision":3,"upstream":"app","method":"round_robin","next_id":3,' +
        '"put":[{"id":0,"incarnation":1,"server":"10.0.0.1:80","weight":9}],"remove":[1],"crc":"440fe6ae"}\n',
    );
    expect(CHANGES[4]).equal('{"revision":5,"upstream":"app","deleted":true,"crc":"e6ec29e2"}\n');
    expect(START).equal('{"sluice":"journal","format":2,"follows":0,"crc":"c472141d"}\n');
  });

  it("restores the state after its last line", () => {
    const [state, bytes] = load(CHANGES[0] + CHANGES[1] + CHANGES[2]);
    expect(bytes).equal((CHANGES[0] + CHANGES[1] + CHANGES[2]).length);
    expect(state.revision).equal(3);
    expect(describe_state(state)).equal(
      'app: 0 1 1 {"server":"10.0.0.1:80","weight":9} 2 2 1 {"server":"10.0.0.3:80"}',
    );
    expect(describe_state(load(JOURNAL)[0])).equal('app: 0 6 1 {"server":"10.0.0.9:80"}; two:');
  });

  it("takes linear time to read when its last line was not finished", () => {
    const torn = `${JOURNAL}${string.rep("x", 1_000_000)}`;
    expect_quick(() => {
      expect(load(torn)[1]).equal(JOURNAL.length);
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
      const [state, bytes, cause] = load(string.sub(JOURNAL, 1, length));
      expect(cause).equal(undefined);
      expect(bytes).equal(end);
      expect(state.revision).equal(whole);
    }
    expect(whole).equal(CHANGES.length);
  });

  it("is refused with the line's number when a line is damaged", () => {
    for (const damaged of ["garbage\n", "\n", '{"revision":2}\n', "[]\n"]) {
      const [, bytes, cause] = load(CHANGES[0] + damaged + CHANGES[1]);
      expect(bytes).equal(undefined);
      expect(cause).contains("journal: line 3: the line is damaged");
    }
    const torn = string.sub(CHANGES[1], 1, 20);
    expect(load(CHANGES[0] + torn + CHANGES[1] + CHANGES[2])[2]).contains("line 3: the line is damaged");
  });

  it("is refused when any bit is flipped", () => {
    const text = START + JOURNAL;
    for (const position of $range(1, text.length)) {
      const byte = string.byte(text, position);
      for (const bit of [1, 2, 4, 8, 16, 32, 64, 128]) {
        const flipped = string.char(byte ^ bit);
        const damaged = string.sub(text, 1, position - 1) + flipped + string.sub(text, position + 1);
        const [start, flaw] = read_start(damaged, "journal");
        const file = { path: "journal", text: damaged, start: start ?? { is_sealed: true, revision: 0 } };
        let [applied, cause] = apply_journal(empty_state(), file);
        if (start === undefined) [applied, cause] = [undefined, flaw];
        expect(applied).equal(undefined);
        expect(cause).truthy();
      }
    }
  });

  it("is refused when a revision is missing", () => {
    expect(load(CHANGES[0] + CHANGES[2])[2]).contains("line 3: revision 3 does not follow revision 1");
    expect(load(CHANGES[1])[2]).contains("line 2: revision 2 does not follow revision 0");
  });

  it("of version 0.1.0 has neither a first line nor checksums", () => {
    const old = string.gsub(JOURNAL, ',"crc":"%x+"}\n', "}\n")[0];
    const state = empty_state();
    expect(apply_journal(state, file_of("journal", old))[0]?.revision).equal(6);
    expect(describe_state(state)).equal(describe_state(load(JOURNAL)[0]));
    const [, cause] = apply_journal(empty_state(), file_of("journal", old + CHANGES[0]));
    expect(cause).contains("line 7: the line is damaged");
    expect(read_start(JOURNAL, "journal")[1]).contains("not the first line");
  });

  it("of a later version is refused", () => {
    const later = resealed(START, '"format":2', '"format":3');
    expect(read_start(later, "journal")[1]).contains("the file has format 3, and this version reads up to 2");
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

  /** Returns the upstream "app" after these lines. */
  function app_of(text: string): Document | undefined {
    const saved = load(text)[0].upstreams.get("app");
    return saved === undefined ? undefined : to_document(saved, () => 1 as RowNumber);
  }

  it("contains the method, the sticky sessions and the secret", () => {
    expect(hashed).equal(
      '{"revision":1,"upstream":"app","method":"hash","hash":{"key":"$uri","consistent":true},' +
        `"sticky":{"route":{"variables":["$arg_r"]}},"session_secret":"${session_secret}",` +
        '"next_id":0,"put":[],"remove":[],"crc":"8e8cc232"}\n',
    );
    expect(app_of(hashed)).same({
      ...document(1, 0, []),
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
    const whole = { ...document(1, 0, []), ...(settings as UpstreamSettings) };
    const line = format_change("app", whole, difference([], []));
    expect(app_of(line)).same(whole);
    const damaged = resealed(line, '"size":10', '"size":0');
    expect(load(damaged)[2]).contains('line 2: invalid "queue.size":');
  });

  it("may contain only the method, as in earlier versions", () => {
    expect(app_of(CHANGES[0])?.method).equal("round_robin");
    const least_time = resealed(CHANGES[0], "round_robin", "least_time");
    expect(app_of(least_time)?.least_time).same({ measure: "header", inflight: false });
  });

  it("removes settings that the line does not contain, except the secret", () => {
    const plain = format_change("app", document(2, 0, []), difference([], []));
    expect(app_of(hashed + plain)).same({ ...document(2, 0, []), session_secret });
    const later = format_change("app", document(3, 0, []), difference([], []));
    expect(app_of(hashed + format_deletion("app", 2, false) + later)).same(document(3, 0, []));
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
      expect(load(resealed(line, "$^", ""))[2]).contains("line 2: ");
    });
  }
});

describe("an image", () => {
  const [writer, start] = start_image(3);
  const image = start + format_in_image(writer, "app", document(3, 3, [A_HEAVY, C])) + end_image(writer, 3);

  function load_image(text: string): LuaMultiReturn<[SavedState, number | undefined, string | undefined]> {
    const state = empty_state();
    const [until, cause] = apply_image(state, file_of("image", text));
    return $multi(state, until, cause);
  }

  it("is refused when it is incomplete or continues after its end", () => {
    expect(load_image(image)[1]).equal(3);
    for (const length of $range(start.length, image.length - 1)) {
      expect(load_image(string.sub(image, 1, length))[2]).contains("the image was not finished");
    }
    for (const length of $range(0, start.length - 1)) {
      expect(read_start(string.sub(image, 1, length), "image")[0]).equal(undefined);
    }
    expect(load_image(`${image}x`)[2]).contains("not finished");
    expect(load_image(image + CHANGES[0])[2]).contains("line 4: a line after the last");
  });

  it("is refused when any bit is flipped", () => {
    for (const position of $range(1, image.length)) {
      const byte = string.byte(image, position);
      for (const bit of [1, 2, 4, 8, 16, 32, 64, 128]) {
        const flipped = string.char(byte ^ bit);
        const damaged = string.sub(image, 1, position - 1) + flipped + string.sub(image, position + 1);
        if (read_start(damaged, "image")[0] !== undefined) expect(load_image(damaged)[1]).equal(undefined);
      }
    }
  });

  it("is refused when a line is missing, duplicated or from another image", () => {
    const [, other_start] = start_image(3);
    const other = format_in_image(start_image(3)[0], "app", document(2, 3, [A, B, C]));
    const end = end_image(writer, 3);
    expect(load_image(other_start + end)[2]).contains("line 2: lines are missing or do not belong here");
    expect(load_image(other_start + other + end)[2]).contains("line 3: lines are missing");
    expect(load_image(other_start + other + other + end)[2]).contains('line 3: duplicate upstream "app"');
  });

  it("restores the state from which it was made, and the journal continues from it", () => {
    const [state] = load_image(image);
    // The journal may begin with lines whose changes the image contains.
    const [applied] = apply_journal(state, file_of("journal", START + JOURNAL));
    expect(applied?.bytes).equal((START + JOURNAL).length);
    expect(state.revision).equal(6);
    expect(describe_state(state)).equal(describe_state(load(JOURNAL)[0]));
  });

  it("may contain later changes, because changes continue while it is written", () => {
    for (const later of $range(1, CHANGES.length)) {
      // The revision of the image is 1, but its "app" is the one after `later` changes.
      const [state_then] = load(table.concat(CHANGES, "", 1, later));
      const app = state_then.upstreams.get("app");
      const state = empty_state();
      state.revision = 1;
      if (app !== undefined) state.upstreams.set("app", app);
      expect(apply_journal(state, file_of("journal", START + JOURNAL))[0]?.revision).equal(6);
      expect(describe_state(state)).equal(describe_state(load(JOURNAL)[0]));
    }
  });
});

import { read_settings, type UpstreamSettings } from "../../../../src/resty/sluice/config/settings";
import {
  find_by_address,
  find_by_id,
  format_document,
  parse_document,
  parse_head,
  type Document,
} from "../../../../src/resty/sluice/store/document/document";
import {
  address_in,
  format_line,
  parse_line,
  type ServerRecord,
} from "../../../../src/resty/sluice/store/document/line";
import { new_line_finder } from "../../../../src/resty/sluice/store/document/records";
import type { RowNumber } from "../../../../src/resty/sluice/store/memory/cells";
import { expect } from "../../support/expect";

const FIRST: ServerRecord = {
  id: 1,
  incarnation: 17,
  row: 4 as RowNumber,
  server: "10.0.0.1:80",
  weight: 1,
  backup: false,
  down: false,
  drain: false,
  max_conns: 0,
  max_fails: 1,
  fail_timeout: "10s",
  slow_start: "0s",
  route: "",
  zone: "",
  leave_by: "",
  source: "",
};
const SECOND: ServerRecord = {
  ...FIRST,
  id: 11,
  server: "10.0.0.1:8080",
  weight: 5,
  backup: true,
  drain: true,
  leave_by: "idle",
  max_conns: 10,
  max_fails: 0,
  fail_timeout: "1m",
  slow_start: "30s",
  route: "b",
};
const DOCUMENT: Document = {
  revision: 20,
  next_id: 12,
  row: 3 as RowNumber,
  method: "round_robin",
  leavers: [{ row: 9 as RowNumber, incarnation: 2 }],
  lines: [format_line(FIRST), format_line(SECOND)],
};

describe("a document", () => {
  it("has one line for itself and one for each server, without default values", () => {
    expect(format_line(FIRST)).equal('1 17 4 {"server":"10.0.0.1:80"}');
    expect(format_line(SECOND)).equal(
      '11 17 4 {"server":"10.0.0.1:8080","weight":5,"backup":true,"drain":true,"leave_by":"idle",' +
        '"max_conns":10,"max_fails":0,"fail_timeout":"1m","slow_start":"30s","route":"b"}',
    );
  });

  it("is parsed to the same document, with and without padding", () => {
    expect(parse_line(format_line(SECOND))).same(SECOND);
    expect(parse_document(format_document(DOCUMENT))).same(DOCUMENT);
    expect(parse_document(`${format_document(DOCUMENT)}\n\n\n`)).same(DOCUMENT);
    const empty = { ...DOCUMENT, lines: [], leavers: [] };
    expect(parse_document(format_document(empty))).same(empty);
  });

  it("contains the settings and the secret", () => {
    const sticky = { cookie: { name: "srv", path: "/", httponly: true, secure: false } };
    const hash = { key: "$uri", consistent: true, balance_factor: 150 };
    const session_secret = "00112233445566778899aabbccddeeff";
    const [settings] = read_settings({
      method: "hash",
      hash,
      sticky,
      health_check: { match: { headers: { "content-type": "^text/", server: "" } } },
      outlier_detection: {},
      panic_threshold: 50,
      retries: { tries: 3, budget: {} },
      queue: { size: 100 },
    });
    const document: Document = { ...DOCUMENT, ...(settings as UpstreamSettings), session_secret };
    expect(parse_document(format_document(document))).same(document);
    expect(parse_head(format_document(document))[0]).same({ ...document, lines: [] });
  });

  it("finds servers by the whole id and the whole address", () => {
    expect(find_by_id(DOCUMENT, 1)).equal(0);
    expect(find_by_id(DOCUMENT, 11)).equal(1);
    expect(find_by_id(DOCUMENT, 17)).equal(undefined);
    expect(find_by_address(DOCUMENT, "10.0.0.1:8080")).equal(1);
    expect(find_by_address(DOCUMENT, "10.0.0.1:808")).equal(undefined);
  });

  it("finds a server by any spelling of its address, and prefers the exact spelling", () => {
    const servers = ["[::1]:80", "[0::1]:80", "unix:/run/a.sock", "10.0.0.1:080"];
    const lines = servers.map((server, id) => format_line({ ...FIRST, id, server }));
    const document = { ...DOCUMENT, lines };
    const line_at = new_line_finder(document);
    expect(line_at("[0:0:0:0:0:0:0:1]:080")).equal(lines[0]);
    expect(line_at("[::2]:80")).equal(undefined);
    for (const [number, server] of ipairs(servers)) {
      expect(line_at(server)).equal(lines[number - 1]);
      expect(find_by_address(document, server)).equal(number - 1);
      expect(address_in(lines[number - 1])).equal(server);
    }
    expect(find_by_address(document, "[0:0:0:0:0:0:0:1]:080")).equal(0);
    expect(find_by_address(document, "10.0.0.1:80")).equal(3);
    expect(find_by_address(document, "unix:/run//a.sock")).equal(undefined);
    expect(find_by_address(document, "[::2]:80")).equal(undefined);
  });

  it("has lines whose address can be read, whatever characters it contains", () => {
    for (const path of ['a"b', "a\\", 'a\\"', 'a","weight":2', "a/b//c", '"', "\\/"]) {
      const server = `unix:/${path}`;
      expect(address_in(format_line({ ...FIRST, server, route: path }))).equal(server);
    }
  });
});

import { SERVER_DEFAULTS } from "../../../../src/resty/sluice/config/server";
import {
  format_document,
  parse_head,
  type Document,
} from "../../../../src/resty/sluice/store/document/document";
import { format_line, parse_line, type ServerRecord } from "../../../../src/resty/sluice/store/document/line";
import { records_in } from "../../../../src/resty/sluice/store/document/records";
import type { RowNumber } from "../../../../src/resty/sluice/store/memory/cells";
import { expect } from "../../support/expect";

function server(id: number, address: string, more: Partial<ServerRecord> = {}): string {
  return format_line({
    ...SERVER_DEFAULTS,
    server: address,
    ...more,
    id,
    incarnation: 7 + id,
    row: (20 + id) as RowNumber,
  });
}

const LINES = [
  server(0, "10.0.0.1:80"),
  server(1, "10.0.0.2:80", { weight: 3 }),
  server(2, "unix:/run/a.sock", { weight: 3 }),
  server(3, "[::1]:80", { weight: 3, backup: true, max_conns: 9 }),
  server(4, "10.0.0.4:80", { source: "register", node: { name: 'a"b', ttl: "3s", incarnation: "" } }),
  server(5, "10.0.0.5:80"),
];

function read(text: string): ServerRecord[] {
  const records: ServerRecord[] = [];
  for (const record of records_in(text, parse_head(text)[1])) records.push({ ...record });
  return records;
}

describe("the servers of a document's text", () => {
  const document: Document = {
    method: "random",
    revision: 9,
    next_id: 6,
    row: 3 as RowNumber,
    leavers: [],
    lines: LINES,
  };

  it("are the servers of its lines, one by one", () => {
    const text = format_document(document);
    const wanted: ServerRecord[] = [];
    for (const line of LINES) wanted.push(parse_line(line));
    expect(read(text)).same(wanted);
    expect(read(`${text}\n\n\n`)).same(wanted);
  });

  it("are an empty list in a document without lines", () => {
    expect(read(format_document({ ...document, lines: [] }))).same([]);
  });
});

import {
  ABSENT,
  columns,
  family_pieces,
  single,
  type Family,
} from "../../../../src/resty/sluice/api/metrics/family";
import { OPENMETRICS, PROMETHEUS, type Format } from "../../../../src/resty/sluice/api/metrics/format";
import { bound_labels, write_histogram } from "../../../../src/resty/sluice/api/metrics/histograms";
import { expect } from "../../support/expect";

function do_not_pause(this: void): void {
  // Nothing else runs in a unit spec.
}

/** Returns all pieces of families. */
function pieces_of(families: Family[], format: Format): string[] {
  const next_piece = family_pieces(() => families, format);
  const pieces: string[] = [];
  let piece = next_piece(do_not_pause);
  while (piece !== undefined) {
    pieces.push(piece);
    piece = next_piece(do_not_pause);
  }
  return pieces;
}

function text_of(families: Family[], format: Format): string {
  return table.concat(pieces_of(families, format));
}

const COUNTER = { name: "some_time_seconds", type: "counter", unit: "seconds", help: "Time." } as const;

describe("a family of metrics", () => {
  it("has its suffix in each place of the format of Prometheus", () => {
    expect(text_of([single(COUNTER, 1.5)], PROMETHEUS)).equal(
      "# HELP some_time_seconds_total Time.\n" +
        "# TYPE some_time_seconds_total counter\n" +
        "some_time_seconds_total 1.5\n",
    );
  });

  it("has its suffix only in samples of OpenMetrics, and its unit", () => {
    expect(text_of([single(COUNTER, 2)], OPENMETRICS)).equal(
      "# HELP some_time_seconds Time.\n" +
        "# TYPE some_time_seconds counter\n" +
        "# UNIT some_time_seconds seconds\n" +
        "some_time_seconds_total 2\n" +
        "# EOF\n",
    );
  });

  it("of information is a gauge for Prometheus", () => {
    const families = [
      columns(
        { name: "build", type: "info", help: "Build." },
        ['version="1"'],
        [{ labels: "", values: [1] }],
      ),
    ];
    expect(text_of(families, PROMETHEUS)).contains('# TYPE build_info gauge\nbuild_info{version="1"} 1\n');
    expect(text_of(families, OPENMETRICS)).contains('# TYPE build info\nbuild_info{version="1"} 1\n');
  });

  it("has a sample for each item and column that has a value", () => {
    const head = { name: "some", type: "gauge", help: "Some." } as const;
    const family = columns(
      head,
      ['a="1"', 'a="2"'],
      [
        { labels: ',b="x"', values: [1, 2] },
        { labels: ',b="y"', values: [ABSENT, 4] },
      ],
    );
    expect(text_of([family], PROMETHEUS)).contains(
      'some{a="1",b="x"} 1\nsome{a="2",b="x"} 2\nsome{a="2",b="y"} 4\n',
    );
  });

  it("without samples still has a type", () => {
    const family = columns({ name: "none", type: "gauge", help: "None." }, [], [{ labels: "", values: [] }]);
    expect(text_of([family], OPENMETRICS)).equal("# HELP none None.\n# TYPE none gauge\n# EOF\n");
  });

  it("has all of its samples in one place, in whatever number of pieces", () => {
    const labels: string[] = [];
    const values: number[] = [];
    for (const index of $range(0, 9999)) {
      labels[index] = `a="${index}"`;
      values[index] = index;
    }
    const families: Family[] = [];
    for (const name of ["first", "second"])
      families.push(columns({ name, type: "gauge", help: "Many." }, labels, [{ labels: "", values }]));
    const pieces = pieces_of(families, PROMETHEUS);
    expect(pieces.length > 3).equal(true);
    let expected = "";
    for (const name of ["first", "second"]) {
      const lines: string[] = [];
      for (const index of $range(0, 9999)) lines.push(`${name}{a="${index}"} ${index}\n`);
      expected += `# HELP ${name} Many.\n# TYPE ${name} gauge\n${table.concat(lines)}`;
    }
    expect(table.concat(pieces) === expected).equal(true);
  });

  it("pauses often in long work", () => {
    const labels: string[] = [];
    const values: number[] = [];
    for (const index of $range(0, 9999)) {
      labels[index] = `a="${index}"`;
      values[index] = 0;
    }
    const family = columns({ name: "many", type: "gauge", help: "Many." }, labels, [{ labels: "", values }]);
    const next_piece = family_pieces(() => [family], PROMETHEUS);
    let pauses = 0;
    while (
      next_piece(() => {
        pauses += 1;
      }) !== undefined
    );
    expect(pauses >= 10000 / 256).equal(true);
  });
});

describe("a histogram", () => {
  it("has cumulative counts up to infinity, and bounds with a decimal point", () => {
    const family: Family = {
      name: "h",
      type: "histogram",
      help: "H.",
      items: 1,
      step: 1,
      write: (out) => {
        write_histogram(out, "h", 'a="b"', bound_labels([0.001, 1, 30]), [1, 0, 2, 4], 9.5);
        write_histogram(out, "h", "", bound_labels([0.5]), [0, 3], 6);
      },
    };
    expect(text_of([family], PROMETHEUS)).contains(
      'h_bucket{a="b",le="0.001"} 1\n' +
        'h_bucket{a="b",le="1.0"} 1\n' +
        'h_bucket{a="b",le="30.0"} 3\n' +
        'h_bucket{a="b",le="+Inf"} 7\n' +
        'h_count{a="b"} 7\n' +
        'h_sum{a="b"} 9.5\n' +
        'h_bucket{le="0.5"} 0\n' +
        'h_bucket{le="+Inf"} 3\n' +
        "h_count 3\n" +
        "h_sum 6\n",
    );
  });
});

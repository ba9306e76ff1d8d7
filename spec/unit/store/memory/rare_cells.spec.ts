import { type Cell, Row, type RowNumber } from "../../../../src/resty/sluice/store/memory/cells";
import { CODES, CODE_STEP } from "../../../../src/resty/sluice/store/memory/counter_cells";
import { opened } from "../../../../src/resty/sluice/store/memory/dict";
import {
  has_rare_cells,
  rare_cells_of,
  use_rare_cells,
} from "../../../../src/resty/sluice/store/memory/rare_cells";
import {
  code_cell,
  counter_at,
  create,
  row_at,
  row_number_of,
  shared_memory,
} from "../../../../src/resty/sluice/store/memory/region";
import { allocate_row, free_row } from "../../../../src/resty/sluice/store/memory/rows";
import { make_dict } from "../../support/dict";
import { expect } from "../../support/expect";

const ID = 0;
const LAST_OF_KINDS = [Row.REPORTED_SINCE, Row.LIGHT_TIME, Row.SUSPECTED];

function new_row(stamp: number): Cell {
  return row_at(allocate_row(stamp, ID) ?? error("no row is left", 0));
}

const globals = _G as unknown as { jit: { on: (this: void) => void; off: (this: void) => void } };

/** Runs `action`, and `interruption` once within it after a number of instructions of the interpreter. */
function interrupt_after(instructions: number, interruption: () => void, action: () => void): void {
  globals.jit.off();
  debug.sethook(
    () => {
      debug.sethook();
      interruption();
    },
    "",
    instructions,
  );
  action();
  debug.sethook();
  globals.jit.on();
}

describe("the rare cells of a server", () => {
  before_each(() => {
    make_dict();
    create(400, 1);
  });

  it("are those of a new server until one is written", () => {
    const memory = shared_memory();
    const row = new_row(1);
    const rare = rare_cells_of(row);
    expect(rare).equal(row_at(0 as RowNumber));
    expect([memory[rare + Row.LAST_PASSED], memory[rare + Row.UTILIZATION], memory[rare + Row.CHECKS]]).same([
      -1, -1, 0,
    ]);
    use_rare_cells(row);
    expect(rare_cells_of(row)).equal(row);
    expect([memory[row + Row.LAST_PASSED], memory[row + Row.EPS], memory[row + Row.CHECKS]]).same([
      -1, -1, 0,
    ]);
  });

  it("are not those of the server that had the row before", () => {
    const memory = shared_memory();
    const row = new_row(1);
    use_rare_cells(row);
    for (const cell of LAST_OF_KINDS) memory[row + cell] = 7;
    free_row(row_number_of(row));
    const next = new_row(2);
    expect(next).equal(row);
    expect(has_rare_cells(next)).equal(false);
    use_rare_cells(next);
    for (const cell of LAST_OF_KINDS) expect(memory[next + cell]).equal(0);
  });

  it("belong to one row only, in each block", () => {
    const memory = shared_memory();
    for (const number of $range(1, 300)) {
      const row = new_row(number);
      expect(row_number_of(row)).equal(number);
      use_rare_cells(row);
      for (const cell of LAST_OF_KINDS) memory[row + cell] = number;
    }
    for (const number of $range(1, 300)) {
      const row = row_at(number as RowNumber);
      expect(memory[row + Row.STAMP]).equal(number);
      for (const cell of LAST_OF_KINDS) expect(memory[row + cell]).equal(number);
    }
  });
});

describe("the first use of rare cells", () => {
  const MOST_INSTRUCTIONS = 200;
  const VALUE = 0.5;

  before_each(() => {
    make_dict();
    create(400, 1);
  });

  it("by two workers loses nothing that one of them writes", () => {
    const memory = shared_memory();
    let interrupted = 0;
    for (const instructions of $range(1, MOST_INSTRUCTIONS)) {
      const row = new_row(instructions);
      let has_written = false;
      const write_as_other_worker = () => {
        // It would wait while this worker is in the middle of the change.
        if (has_written || opened().get("health")[0] !== undefined) return;
        has_written = true;
        use_rare_cells(row);
        memory[row + Row.UTILIZATION] = VALUE;
        memory[row + Row.LAST_PASSED] = 0;
      };
      interrupt_after(instructions, write_as_other_worker, () => {
        use_rare_cells(row);
      });
      if (has_written) {
        interrupted += 1;
        expect([memory[row + Row.UTILIZATION], memory[row + Row.LAST_PASSED]]).same([VALUE, 0]);
      }
    }
    expect(interrupted > 1).equal(true);
  });
});

describe("the cells of status codes", () => {
  it("belong to one row only", () => {
    create(10, 1);
    const memory = shared_memory();
    for (const row of $range(1, 3)) {
      for (const index of $range(0, CODES - 1))
        memory[code_cell(counter_at(1, row as RowNumber), index)] = row * CODE_STEP + index;
    }
    for (const row of $range(1, 3)) {
      for (const index of $range(0, CODES - 1))
        expect(memory[code_cell(counter_at(1, row as RowNumber), index)]).equal(row * CODE_STEP + index);
    }
  });
});

import {
  note_decision,
  read_times,
  set_call_due,
  store_times,
} from "../../../src/resty/sluice/control/scaling_cells";
import { Row } from "../../../src/resty/sluice/store/memory/cells";
import { create, shared_memory } from "../../../src/resty/sluice/store/memory/region";
import { State } from "../../../src/resty/sluice/store/memory/states";
import { expect } from "../support/expect";
import { NOW, upstream_of } from "./controlled_servers";

const TIMES = { high_since: NOW, low_since: NOW, scaled_at: NOW };

describe("the scaling of an upstream whose row has become that of a server", () => {
  it("leaves the cells of the server alone", () => {
    create(10, 1);
    const memory = shared_memory();
    const upstream = upstream_of([]);
    expect(read_times(upstream)).same({ high_since: 0, low_since: 0, scaled_at: 0 });
    const { row } = upstream;
    memory[row + Row.STAMP] = upstream.incarnation + 1;
    memory[row + Row.STATE] = State.UNAVAIL;
    memory[row + Row.MAX_FAILS] = 3;
    expect(read_times(upstream)).equal(undefined);
    store_times(upstream, TIMES);
    note_decision(upstream, { direction: "out", reason: "" }, NOW);
    set_call_due(upstream, NOW);
    const cells = [Row.STATE, Row.MAX_FAILS, Row.CHECK, Row.REPORTED_STATE, Row.PICKS_BEFORE];
    expect(cells.map((cell) => memory[row + cell])).same([State.UNAVAIL, 3, 0, 0, 0]);
  });
});

import { Header } from "../../../../src/resty/sluice/store/memory/header_cells";
import { count_refusal, get_refusals } from "../../../../src/resty/sluice/store/memory/refusals";
import { create, shared_memory } from "../../../../src/resty/sluice/store/memory/region";
import {
  count_write_time,
  WRITE_BOUNDS,
  write_times,
} from "../../../../src/resty/sluice/store/memory/write_times";
import { make_dict } from "../../support/dict";
import { expect } from "../../support/expect";

describe("the times of writes", () => {
  it("are counted up to and including their bounds", () => {
    create(8, 16);
    for (const bound of WRITE_BOUNDS) count_write_time(bound);
    count_write_time(0);
    count_write_time(1.5);
    const counts = write_times();
    expect(counts.length).equal(WRITE_BOUNDS.length + 1);
    expect(counts[0]).equal(2);
    for (const index of $range(1, WRITE_BOUNDS.length)) expect(counts[index]).equal(1);
    let sum = 1.5;
    for (const bound of WRITE_BOUNDS) sum += bound;
    expect(math.abs(shared_memory()[Header.WRITE_SECONDS] - sum) < 1e-9).equal(true);
  });
});

describe("refused writes", () => {
  it("are counted by the code of their problem", () => {
    make_dict();
    for (const code of ["StoreBusy", "JsonError", "StoreBusy"]) count_refusal(code);
    const refusals = get_refusals();
    expect(refusals.get("StoreBusy")).equal(2);
    expect(refusals.get("JsonError")).equal(1);
    expect(refusals.get("Forbidden")).equal(undefined);
  });
});

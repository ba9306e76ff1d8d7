import { collection_pieces, pieces_between } from "../../../src/resty/sluice/api/collection";
import { no_pause } from "../../../src/resty/sluice/lib/pause";
import { expect } from "../support/expect";

/** Returns the pieces of a collection between two texts. */
function pieces_of(names: string[], bytes: number): string[] {
  const inner = collection_pieces(names, (name) => (name === "gone" ? undefined : string.rep("9", bytes)));
  const next_piece = pieces_between('{"all":', inner, "}");
  const pieces: string[] = [];
  let piece = next_piece(no_pause);
  while (piece !== undefined) {
    pieces.push(piece);
    piece = next_piece(no_pause);
  }
  return pieces;
}

describe("A collection in pieces", () => {
  it("is one JSON text with what is around it", () => {
    expect(table.concat(pieces_of(["a", "gone", "b"], 1))).equal('{"all":{"a":9,"b":9}}');
    expect(table.concat(pieces_of([], 1))).equal('{"all":{}}');
    expect(table.concat(pieces_of(["gone"], 1))).equal('{"all":{}}');
  });

  it("has pieces of limited size", () => {
    const names: string[] = [];
    for (const number of $range(1, 100)) names.push(string.format("u%d", number));
    const pieces = pieces_of(names, 1000);
    expect(pieces.length > 3).equal(true);
    for (const piece of pieces) expect(piece.length < 40000).equal(true);
  });
});

import { useCallback } from "preact/hooks";
import { useMedia } from "./media";

/** Heights of the rows of tables, which the style gives them too. */

/** The query of screens on which a row of a table is shown as a card. */
const NARROW = "(max-width: 719px)";

/** The width of a character of a sentence, and of what is beside the sentence on a card, in pixels. */
const CHARACTER = 6.7;
const BESIDE = 84;

/** The heights of a row without sentences, in pixels. */
export interface RowHeights {
  row: number;
  card: number;
}

/** A sentence has one line in a row, and at most two on a card. */
function sentenceHeight(text: string, isCard: boolean): number {
  if (!isCard) return 20;
  return text.length * CHARACTER > innerWidth - BESIDE ? 36 : 18;
}

/** Returns a function that computes the height of a row with some sentences below its figures. */
export function useHeights({ row, card }: RowHeights): (sentences: readonly string[]) => number {
  const isCard = useMedia(NARROW);
  return useCallback(
    (sentences) => {
      const space = sentences.length > 0 ? (isCard ? 8 : 6) : 0;
      return sentences.reduce(
        (sum, text) => sum + sentenceHeight(text, isCard),
        (isCard ? card : row) + space,
      );
    },
    [isCard, row, card],
  );
}

/**
 * The blocks that no test of spec/docs runs, each with the reason. They are reported as skipped. An entry that fits no
 * block fails the test of its page, as does a block that no rule covers.
 *
 * @type {{ page: string, starts: string, reason: string }[]} `starts`: how the block's text begins
 */
export const notRun = [
  {
    page: "docs/speed.md",
    starts: "npm run bench",
    reason: "a bench takes minutes and needs a quiet machine",
  },
];

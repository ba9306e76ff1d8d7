/** docs/comparison.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/comparison.md");

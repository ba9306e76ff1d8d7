/** docs/reference/state.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/reference/state.md");

/** docs/reference/guard.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/reference/guard.md");

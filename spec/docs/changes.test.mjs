/** docs/reference/changes.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/reference/changes.md");

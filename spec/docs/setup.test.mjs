/** docs/reference/setup.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/reference/setup.md");

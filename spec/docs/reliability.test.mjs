/** docs/reliability.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/reliability.md");

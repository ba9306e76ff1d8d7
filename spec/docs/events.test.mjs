/** docs/reference/events.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/reference/events.md");

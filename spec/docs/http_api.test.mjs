/** docs/reference/http-api.md */
import { testPage } from "./support/page_test.mjs";

testPage("docs/reference/http-api.md");

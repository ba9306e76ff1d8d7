import type { Read } from "../config/reader";
import type { Document } from "./document/document";

/** What a write makes of an upstream. */
export type Written = Read<Document>;

/**
 * Makes the new document of an upstream; undefined without a problem: deletes it. It must not yield. Rows
 * that it allocates for new servers must carry `revision` as their incarnation.
 */
export type Edit = (this: void, current: Document | undefined, revision: number) => Written;

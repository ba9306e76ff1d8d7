import type { Reader } from "../fields";

/** What the configuration of one kind of source is made of. */
export interface Kind {
  /** Reads it, with its defaults. */
  read: Reader;
  /** Its members, in the order in which they are shown and stored. */
  fields: readonly string[];
  /** Those that go into no answer and no log. */
  secrets: readonly string[];
}

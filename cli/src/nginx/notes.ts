import type { Directive } from "./directives";

/** What a user must know about an import, with the lines of the configuration. */

export interface Note {
  place: string;
  text: string;
}

/** A line of a configuration. */
export type Place = Pick<Directive, "file" | "line">;

export class Notes {
  /** What the result does not contain. */
  readonly missing: Note[] = [];
  /** What has another form, or is not needed. */
  readonly remarks: Note[] = [];

  leftOut({ file, line }: Place, text: string): void {
    this.missing.push({ place: `${file}:${line}`, text });
  }

  changed({ file, line }: Place, text: string): void {
    this.remarks.push({ place: `${file}:${line}`, text });
  }
}

import type { Result } from "../../lib/result";
import { read_start, type Kind } from "./first_line";
import {
  apply_image,
  apply_journal,
  check_state,
  empty_state,
  line_of,
  type Applied,
  type LineFile,
  type SavedState,
} from "./replay";

/**
 * Chooses what to load from two images and two journals. Pure.
 *
 * The newest complete image is the base. The journals, the older one first, hold the changes after it; each
 * names the revision that it follows. An unfinished or damaged image is left out with a warning if an older
 * image and the journals leave no gap. Otherwise nothing is loaded, so that no revision is lost silently.
 */

/** The index of a file of a pair. */
export type Index = 0 | 1;

/** A file and its text. */
export interface TextFile {
  path: string;
  text: string;
}

/** What was loaded. */
export interface Loaded {
  state: SavedState;
  /** The index of the image that was used; undefined: none. */
  image: Index | undefined;
  image_bytes: number;
  /** The journal to append to, and how many bytes of each journal count. */
  journal: Index;
  journal_bytes: [number, number];
  /** An image must be written first: no journal can be continued, or version 0.1.0 wrote a file. */
  needs_image: boolean;
  warnings: string[];
}

interface Opened extends LineFile {
  index: Index;
}

interface Base {
  state: SavedState;
  image: Opened | undefined;
  /** The highest revision that the image may hold. */
  until: number;
  flaw: string | undefined;
}

const INDICES = [0, 1] as const;

function open_files(
  files: readonly TextFile[],
  kind: Kind,
  flawed: (this: void, flaw: string, was_finished: boolean) => void,
): Opened[] {
  const opened: Opened[] = [];
  for (const index of INDICES) {
    const { path, text } = files[index];
    const [start, flaw] = read_start(text, kind);
    if (start !== undefined) opened.push({ path, text, start, index });
    else if (flaw !== undefined) flawed(`${line_of(path, 1)}: ${flaw}`, true);
    else if (text !== "") flawed(`${line_of(path, 1)}: the line was not finished`, false);
  }
  if (opened.length === 2 && opened[1].start.revision < opened[0].start.revision)
    return [opened[1], opened[0]];
  return opened;
}

function load_base(images: readonly TextFile[]): Base {
  let flaw: string | undefined;
  const opened = open_files(images, "image", (what) => {
    flaw = what;
  });
  while (opened.length > 0) {
    const image = opened.pop() as Opened;
    const state = empty_state();
    const [until, wrong] = apply_image(state, image);
    if (until !== undefined) return { state, image, until, flaw };
    flaw = wrong;
  }
  return { state: empty_state(), image: undefined, until: 0, flaw };
}

interface Followed extends Applied {
  journal: Opened;
}

function follow({ state }: Base, journal: Opened): Result<Followed> {
  const { path, start } = journal;
  if (start.revision > state.revision) {
    const what = `the journal follows revision ${start.revision}, but only revision ${state.revision} is there`;
    return $multi(undefined, `${line_of(path, 1)}: ${what}`);
  }
  const [applied, wrong] = apply_journal(state, journal);
  return $multi(applied === undefined ? undefined : { ...applied, journal }, wrong);
}

/** Returns the journal to append to: one whose last change is the state's last, the newer one if possible. */
function journal_to_append_to(followed: readonly Followed[], revision: number): Followed | undefined {
  let chosen: Followed | undefined;
  for (const candidate of followed) {
    if (chosen === undefined || candidate.revision === revision) chosen = candidate;
  }
  return chosen;
}

/** Describes a gap, and names the damaged image that would fill it, if there is one. */
function explain({ flaw }: Base, gap: string | undefined): string {
  return flaw === undefined ? (gap ?? "") : `${flaw}; without this image: ${gap ?? ""}`;
}

/** Loads a state from the texts of the two images and the two journals. */
export function load_files(images: readonly TextFile[], journals: readonly TextFile[]): Result<Loaded> {
  const base = load_base(images);
  const { state, image } = base;
  const warnings = base.flaw === undefined ? [] : [`${base.flaw}; the image is left out`];
  let damaged: string | undefined;
  const opened = open_files(journals, "journal", (flaw, was_finished) => {
    if (was_finished) damaged = flaw;
    else warnings.push(`${flaw} and is left out`);
  });
  if (damaged !== undefined) return $multi(undefined, damaged);
  // Version 0.1.0 wrote no first line, so a journal after an image could be empty.
  if (opened.length === 0 && (base.flaw !== undefined || image?.start.is_sealed === true)) {
    return $multi(
      undefined,
      explain(base, `${line_of(journals[0].path, 1)}: neither journal has a first line`),
    );
  }

  const followed: Followed[] = [];
  let are_sealed = image?.start.is_sealed === true;
  for (const journal of opened) {
    const [applied, wrong] = follow(base, journal);
    if (applied === undefined) return $multi(undefined, explain(base, wrong));
    const { bytes, lines } = applied;
    if (bytes < journal.text.length)
      warnings.push(`${line_of(journal.path, lines + 1)}: the line was not finished and is left out`);
    if (!journal.start.is_sealed) are_sealed = false;
    followed.push(applied);
  }
  const current = journal_to_append_to(followed, state.revision);
  if (state.revision < base.until && current !== undefined) {
    const what = `the journal ends, but the image holds changes up to revision ${base.until}`;
    return $multi(undefined, `${line_of(current.journal.path, current.lines + 1)}: ${what}`);
  }
  const flaw = check_state(state);
  if (flaw !== undefined) return $multi(undefined, flaw);
  const journal_bytes: [number, number] = [0, 0];
  for (const { journal, bytes } of followed) journal_bytes[journal.index] = bytes;
  return $multi(
    {
      state,
      image: image?.index,
      image_bytes: image === undefined ? 0 : image.text.length,
      journal: current?.journal.index ?? 0,
      journal_bytes,
      needs_image: !are_sealed || current?.revision !== state.revision,
      warnings,
    },
    undefined,
  );
}

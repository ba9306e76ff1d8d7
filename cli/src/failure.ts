/** Exit statuses of the command. */
export const Status = {
  DONE: 0,
  FAILED: 1,
  /** `diff`: the gateway differs. `import`: something could not be imported. */
  DIFFERENT: 2,
} as const;
export type Status = (typeof Status)[keyof typeof Status];

/** A failure that the user can act on. Each of its lines is printed; nothing else is. */
export class Failure extends Error {
  readonly lines: readonly string[];

  constructor(...lines: string[]) {
    super(lines.join("\n"));
    this.lines = lines;
  }
}

/** Returns the message of anything that was thrown. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Returns the code of an error of Node, such as `ENOENT`; "": it has none. */
export function codeOf(cause: unknown): string {
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
  return code ?? "";
}

/** What each of Node's codes means for a file. */
const FILE_CAUSES: Record<string, string> = {
  ENOENT: "there is no such file or folder",
  EACCES: "permission denied",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of its path is not a folder",
};

/** Returns why a file could not be read or written. */
export function fileCause(cause: unknown): string {
  return FILE_CAUSES[codeOf(cause)] ?? messageOf(cause);
}

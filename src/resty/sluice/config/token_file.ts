/** More is no list of tokens, but another file named by mistake. */
const MOST_BYTES = 65536;

/**
 * The tokens of a file, one a line; empty lines are none. Phase: init_by_lua.
 *
 * @param path the file, as the process that starts nginx may read it
 * @returns at least one token; or nil and a text that says why, without what is in the file
 */
export function read_token_file(path: string): LuaMultiReturn<[string[] | undefined, string | undefined]> {
  const [file, cause] = io.open(path, "rb");
  if (file === undefined) return $multi(undefined, `could not read it: ${cause ?? ""}`);
  // A folder can be opened, too, and then gives nothing.
  const text = file.read(MOST_BYTES + 1);
  file.close();
  if (text === undefined || text.length > MOST_BYTES)
    return $multi(undefined, `${path} holds no tokens, or more than ${MOST_BYTES} bytes`);
  const tokens: string[] = [];
  for (const [line] of string.gmatch(text, "[^\r\n]+")) {
    if (string.find(line, "^%S+$")[0] === undefined)
      return $multi(undefined, `${path} has a line that is no token: one with a space`);
    tokens.push(line);
  }
  if (tokens.length === 0) return $multi(undefined, `${path} holds no tokens`);
  return $multi(tokens, undefined);
}

import type { ApiOptions } from "../config/options";
import { from_prefix } from "../lib/path";

/** More is no list of tokens, but another file named by mistake. */
const MOST_BYTES = 65536;

/** What some editors put before a text, and what is no part of it. */
const BYTE_ORDER_MARK = "\uFEFF";

/** At least one token; or nil and a text that says why, without what is in the file. Empty lines are none. */
function read_token_file(path: string): LuaMultiReturn<[string[] | undefined, string | undefined]> {
  const [file, cause] = io.open(path, "rb");
  if (file === undefined) return $multi(undefined, `could not read it: ${cause ?? ""}`);
  // A folder can be opened, too, and then gives nothing.
  const text = file.read(MOST_BYTES + 1);
  file.close();
  if (text === undefined || text.length > MOST_BYTES)
    return $multi(undefined, `${path} holds no tokens, or more than ${MOST_BYTES} bytes`);
  const has_mark = string.sub(text, 1, BYTE_ORDER_MARK.length) === BYTE_ORDER_MARK;
  const content = has_mark ? string.sub(text, BYTE_ORDER_MARK.length + 1) : text;
  const tokens: string[] = [];
  for (const [line] of string.gmatch(content, "[^\r\n]+")) {
    if (string.find(line, "^[!-~]+$")[0] === undefined)
      return $multi(
        undefined,
        `${path} has a line that is no token: only printable ASCII without spaces can be`,
      );
    tokens.push(line);
  }
  if (tokens.length === 0) return $multi(undefined, `${path} holds no tokens`);
  return $multi(tokens, undefined);
}

function with_file(name: string, tokens: string[], path: string | undefined): string[] {
  if (path === undefined) return tokens;
  const [found, problem] = read_token_file(from_prefix(path));
  if (found === undefined) return error(`invalid "api.${name}_file" value: ${problem ?? ""}`, 0);
  return tokens.concat(found);
}

/**
 * The options with the tokens of their files among the tokens. Phase: init_by_lua.
 *
 * Raises a text that names the field and the reason.
 */
export function with_token_files(options: ApiOptions): ApiOptions {
  const { write_tokens, write_tokens_file, read_tokens, read_tokens_file } = options;
  return {
    ...options,
    write_tokens: with_file("write_tokens", write_tokens, write_tokens_file),
    read_tokens: with_file("read_tokens", read_tokens, read_tokens_file),
  };
}

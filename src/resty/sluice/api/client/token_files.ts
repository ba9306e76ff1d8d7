import type { ApiOptions } from "../../config/options";
import { read_file } from "../../lib/file";
import { from_prefix } from "../../lib/path";
import type { Result } from "../../lib/result";

/** Limit of a token file. A larger file is probably another file named by mistake. */
const MOST_BYTES = 65536;

/** Some editors write it at the start of a file. It is not part of the text. */
const BYTE_ORDER_MARK = "\uFEFF";

/** Returns the file's tokens, at least one. The reason of a failure never quotes the file. */
function read_token_file(path: string): Result<string[]> {
  const [text, cause] = read_file(path, MOST_BYTES + 1);
  if (text === undefined) return $multi(undefined, `could not read it: ${cause ?? ""}`);
  if (text === "" || text.length > MOST_BYTES)
    return $multi(undefined, `${path} contains no tokens, or more than ${MOST_BYTES} bytes`);
  const has_mark = string.sub(text, 1, BYTE_ORDER_MARK.length) === BYTE_ORDER_MARK;
  const content = has_mark ? string.sub(text, BYTE_ORDER_MARK.length + 1) : text;
  const tokens: string[] = [];
  for (const [line] of string.gmatch(content, "[^\r\n]+")) {
    if (string.find(line, "^[!-~]+$")[0] === undefined)
      return $multi(
        undefined,
        `${path} has a line that is not a token: a token consists of printable ASCII characters without spaces`,
      );
    tokens.push(line);
  }
  if (tokens.length === 0) return $multi(undefined, `${path} contains no tokens`);
  return $multi(tokens, undefined);
}

function with_file(name: string, tokens: string[], path: string | undefined): string[] {
  if (path === undefined) return tokens;
  const [found, problem] = read_token_file(from_prefix(path));
  if (found === undefined) return error(`invalid "api.${name}_file": ${problem ?? ""}`, 0);
  return tokens.concat(found);
}

/** Returns the options with the tokens of files. Raises a text with field and reason. Phase: init_by_lua. */
export function with_token_files(options: ApiOptions): ApiOptions {
  const { write_tokens, write_tokens_file, read_tokens, read_tokens_file } = options;
  return {
    ...options,
    write_tokens: with_file("write_tokens", write_tokens, write_tokens_file),
    read_tokens: with_file("read_tokens", read_tokens, read_tokens_file),
  };
}

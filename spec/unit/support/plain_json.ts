/**
 * Replaces lua-cjson on a machine without it: the functions of `cjson.safe` that src/ uses, in Lua. Slow, but
 * with the same results.
 */

/** A function of LuaJIT. Returns a value that is equal only to itself. */
declare function newproxy(this: void): object;

/** JSON's null. As in lua-cjson, it is neither a table nor nil. */
const json_null = newproxy();

const escapes: Record<string, string> = {
  '"': '"',
  "\\": "\\",
  "/": "/",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
};

/** Returns the bytes of a code point in UTF-8. */
function utf8_of(code: number): string {
  const rest = (shift: number) => 0x80 + (math.floor(code / 2 ** shift) % 64);
  if (code < 0x80) return string.char(code);
  if (code < 0x800) return string.char(0xc0 + math.floor(code / 64), rest(0));
  if (code < 0x10000) return string.char(0xe0 + math.floor(code / 4096), rest(6), rest(0));
  return string.char(0xf0 + math.floor(code / 262144), rest(12), rest(6), rest(0));
}

/** Reads one text of JSON. `at` is the position of the next byte. */
class Reader {
  private at = 1;

  constructor(private readonly text: string) {}

  document(): unknown {
    const value = this.value();
    this.skip_space();
    if (this.at <= this.text.length) this.refuse();
    return value;
  }

  private refuse(): never {
    return error(`unexpected text at character ${this.at}`, 0);
  }

  /** Reads the text that matches a pattern at the present position. */
  private take(pattern: string): string | undefined {
    const [start, end] = string.find(this.text, `^${pattern}`, this.at);
    if (start === undefined) return undefined;
    this.at = end + 1;
    return string.sub(this.text, start, end);
  }

  private skip_space(): void {
    this.take("[ \t\r\n]*");
  }

  private takes(pattern: string): boolean {
    this.skip_space();
    return this.take(pattern) !== undefined;
  }

  private value(): unknown {
    this.skip_space();
    if (this.take("{") !== undefined) return this.object();
    if (this.take("%[") !== undefined) return this.array();
    if (this.take('"') !== undefined) return this.string();
    const word = this.take("%a+");
    if (word === "true") return true;
    if (word === "false") return false;
    if (word === "null") return json_null;
    if (word !== undefined) this.refuse();
    return this.number();
  }

  private number(): number {
    const whole = this.take("-?0") ?? this.take("-?[1-9]%d*") ?? this.refuse();
    const fraction = this.take("%.%d+") ?? "";
    const exponent = this.take("[eE][+-]?%d+") ?? "";
    return tonumber(whole + fraction + exponent) ?? this.refuse();
  }

  private string(): string {
    const parts: string[] = [];
    for (;;) {
      parts.push(this.take('[^"\\%c]+') ?? this.take("\x7f") ?? "");
      if (this.take('"') !== undefined) return table.concat(parts);
      if (this.take("\\") !== undefined) parts.push(this.escaped());
      else if (parts[parts.length - 1] === "") this.refuse();
    }
  }

  private escaped(): string {
    if (this.take("u") === undefined) return escapes[this.take(".") ?? this.refuse()] ?? this.refuse();
    const high = this.code_unit();
    if (high < 0xd800 || high > 0xdfff) return utf8_of(high);
    if (high > 0xdbff || this.take("\\u") === undefined) this.refuse();
    const low = this.code_unit();
    if (low < 0xdc00 || low > 0xdfff) this.refuse();
    return utf8_of(0x10000 + (high - 0xd800) * 0x400 + low - 0xdc00);
  }

  private code_unit(): number {
    return tonumber(this.take("%x%x%x%x") ?? this.refuse(), 16) ?? this.refuse();
  }

  private array(): unknown {
    const items = new LuaTable<number, unknown>();
    if (this.takes("%]")) return items;
    let count = 0;
    do {
      count += 1;
      items.set(count, this.value());
    } while (this.takes(","));
    return this.takes("%]") ? items : this.refuse();
  }

  private object(): unknown {
    const members = new LuaTable<string, unknown>();
    if (this.takes("}")) return members;
    do {
      if (!this.takes('"')) this.refuse();
      const name = this.string();
      if (!this.takes(":")) this.refuse();
      members.set(name, this.value());
    } while (this.takes(","));
    return this.takes("}") ? members : this.refuse();
  }
}

function decode(text: string): LuaMultiReturn<[unknown, string | undefined]> {
  const [ok, result] = pcall(() => new Reader(text).document());
  if (ok) return $multi(result, undefined);
  return $multi(undefined, tostring(result));
}

const letters = new LuaTable<string, string>();
for (const [letter, byte] of pairs(escapes)) letters.set(byte, letter);

/** Encodes a string. src/ encodes no other values with lua-cjson. */
function encode(value: string): LuaMultiReturn<[string | undefined, string | undefined]> {
  const [escaped] = string.gsub(value, '[%c"\\/]', (byte) => {
    return letters.has(byte) ? `\\${letters.get(byte)}` : string.format("\\u%04x", string.byte(byte));
  });
  return $multi(`"${escaped}"`, undefined);
}

/** The only option of lua-cjson that src/ sets. Invalid numbers are always refused here. */
function decode_invalid_numbers(): void {
  // This module always refuses invalid numbers.
}

export { json_null as null };

/** The function `new` of lua-cjson. */
const create = () => ({ encode, decode, decode_invalid_numbers });
export { create as new };

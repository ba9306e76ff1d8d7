import { is_equal, is_table, json_null, shape, shaped } from "../lib/json";
import { new_table, unknown_key } from "../lib/tables";
import { missing_value, unknown_parameter, type Problem } from "./problem";
import { refuse, type Read, type Reader } from "./reader";
import { list_of } from "./values";

/**
 * The description of a block of options. One table names every option once, with its reader and its default:
 *
 *     export const QUEUE = block({
 *       size: required(whole_from(1, 100000)),
 *       timeout: with_default(time_from("1ms", "365d"), "60s"),
 *     });
 *     export type QueueConfig = ConfigOf<typeof QUEUE>;
 *
 * The order of the options is the order in which they are read, shown and stored. `declarations/` is
 * generated from these tables and their comments.
 */

/** An option of a block. */
export interface Option<T = unknown> {
  readonly read: Reader<T>;
  readonly block: Block | undefined;
  /** Orders the options of a block as they are written: a Lua table does not keep the order. */
  readonly place: number;
  readonly presence: "required" | "optional" | "default";
  readonly default_value?: unknown;
  /** True: no answer and no log contains its value. */
  is_secret?: true;
}

/** An option that must be given. */
export interface RequiredOption<T> extends Option<T> {
  readonly presence: "required";
}

/** An option that is absent unless it is given. */
export interface OptionalOption<T> extends Option<T> {
  readonly presence: "optional";
}

/** An option that has a value even if it is not given. */
export interface DefaultOption<T, Default> extends Option<T> {
  readonly presence: "default";
  readonly default_value: Default;
}

type Flat<T> = { [Name in keyof T]: T[Name] };
type ValueOf<O> = O extends Option<infer T> ? T : never;
type NameOfOptional<Name, O> =
  O extends OptionalOption<never> ? never : O extends OptionalOption<unknown> ? Name : never;

/** The values of options: those that are optional may be absent. */
type Values<Options> = Flat<
  {
    [Name in keyof Options as Options[Name] extends OptionalOption<unknown> ? never : Name]: ValueOf<
      Options[Name]
    >;
  } & { [Name in keyof Options as NameOfOptional<Name, Options[Name]>]?: ValueOf<Options[Name]> }
>;

/** A block of options. */
export interface Block<Options extends object = object> {
  readonly options: Options;
  readonly names: readonly string[];
  /** The number of options that always have a value. */
  readonly least: number;
  readonly shape: ReturnType<typeof shape>;
  readonly blocks: readonly (readonly [name: string, block: Block])[];
  /** The names of the options that no answer and no log contains. */
  readonly secrets: readonly string[];
  readonly read: Reader<Values<Options>>;
}

/** The type of a block's values. */
export type ConfigOf<B> = B extends Block<infer Options> ? Values<Options> : never;

/** Checks a block's values, with defaults, against each other. `given`: those of the input. */
type Rule<Config> = (
  this: void,
  path: string,
  config: Config,
  given: Record<string, unknown>,
) => Problem | undefined;

type Type<T> = Reader<T> | { readonly read: Reader<T> };

let places = 0;

function option<T>(type: Type<T>, presence: Option["presence"], default_value?: unknown): Option<T> {
  const block = typeof type === "function" ? undefined : (type as unknown as Block);
  const read = typeof type === "function" ? type : type.read;
  places += 1;
  return { read, block, place: places, presence, default_value };
}

/** Makes an option that must be given. */
export function required<T>(type: Type<T>): RequiredOption<T> {
  return option(type, "required") as RequiredOption<T>;
}

/** Makes an option that may be absent. */
export function optional<T>(type: Type<T>): OptionalOption<T> {
  return option(type, "optional") as OptionalOption<T>;
}

/** Makes an option that has `value` unless it is given. */
export function with_default<T, const Default extends T>(
  type: Type<T>,
  value: Default,
): DefaultOption<T, Default> {
  return option(type, "default", value) as DefaultOption<T, Default>;
}

/** Makes an option that is refused with a reason: users of similar programs look for it. */
export function unsupported(reason: string): OptionalOption<never> {
  return option((path) => refuse(path, reason), "default") as unknown as OptionalOption<never>;
}

/** Marks an option as secret. Returns it. */
export function secret<O extends Option>(its_option: O): O {
  its_option.is_secret = true;
  return its_option;
}

/** Describes a block. `rule` checks what the options require of each other. */
export function block<Options extends object>(
  options: Options,
  rule?: Rule<Values<Options>>,
): Block<Options> {
  const all = options as Record<string, Option>;
  const names: string[] = [];
  for (const [name] of pairs(all)) names.push(name);
  table.sort(names, (one, other) => all[one].place < all[other].place);
  const blocks: [string, Block][] = [];
  const secrets: string[] = [];
  let least = 0;
  for (const name of names) {
    const { block: inner, is_secret, presence } = all[name];
    if (presence !== "optional") least += 1;
    if (inner !== undefined) blocks.push([name, inner]);
    if (is_secret === true) secrets.push(name);
  }
  const described: Block<Options> = {
    options,
    names,
    least,
    shape: shape(names),
    blocks,
    secrets,
    read: (path, value) => {
      if (!is_object(value)) return refuse(path, "must be an object");
      const unknown = unknown_key(value, all);
      if (unknown !== undefined) return $multi(undefined, unknown_parameter(path_of(path, unknown)));
      const [config, problem] = read_options(described, path, value);
      if (config === undefined) return $multi(undefined, problem);
      const wrong = rule?.(path, config as Values<Options>, value);
      return $multi(wrong === undefined ? (config as Values<Options>) : undefined, wrong);
    },
  };
  return described;
}

/** Makes the type of a list of 1 to `most` objects with the options of a block. */
export function list_of_blocks<Options extends object>(
  its_block: Block<Options>,
  most: number,
): { readonly read: Reader<Values<Options>[]> } {
  const items = { ...its_block, read: list_of(its_block.read, most) };
  return items;
}

function is_object(value: unknown): value is Record<string, unknown> {
  return is_table(value) && (value as unknown as unknown[])[0] === undefined;
}

function path_of(path: string, name: unknown): string {
  return path === "" ? tostring(name) : `${path}.${tostring(name)}`;
}

/** Reads the options of a block. Those not given are as in `base`, or have their defaults. */
function read_options(
  { options, names, least, shape: its_shape }: Block,
  path: string,
  input: Record<string, unknown>,
  base?: Record<string, unknown>,
  null_removes = false,
): Read<Record<string, unknown>> {
  const config = new_table(0, least) as Record<string, unknown>;
  for (const name of names) {
    const { presence, default_value, read } = (options as Record<string, Option>)[name];
    const value = input[name];
    if (value === json_null && null_removes && presence === "optional") {
      config[name] = undefined;
    } else if (value !== undefined) {
      const [member, problem] = read(path === "" ? name : path_of(path, name), value);
      if (problem !== undefined) return $multi(undefined, problem);
      config[name] = member;
    } else if (base !== undefined) {
      config[name] = base[name];
    } else if (presence === "required") {
      return $multi(undefined, missing_value(path_of(path, name)));
    } else {
      config[name] = default_value;
    }
  }
  return $multi(shaped(config, its_shape), undefined);
}

/**
 * Reads options at the top level, or changes those of `base`: a given block replaces the one before as a
 * whole, and JSON's null removes an option that may be absent. Other members are left to the caller. Any
 * phase.
 */
export function read_change<Options extends object>(
  its_block: Block<Options>,
  input: Record<string, unknown>,
  base?: object,
): Read<Values<Options>> {
  const before = base === undefined ? undefined : copy_of(its_block, base);
  const [config, problem] = read_options(its_block, "", input, before, true);
  return $multi(config as Values<Options> | undefined, problem);
}

/** Reads those options of a block at the top level that are given. Any phase. */
export function read_given<Options extends object>(
  its_block: Block<Options>,
  input: Record<string, unknown>,
): Read<Partial<Values<Options>>> {
  const given: Record<string, unknown> = {};
  for (const name of its_block.names) {
    if (input[name] !== undefined) {
      const [member, problem] = (its_block.options as Record<string, Option>)[name].read(name, input[name]);
      if (problem !== undefined) return $multi(undefined, problem);
      given[name] = member;
    }
  }
  return $multi(given as Partial<Values<Options>>, undefined);
}

/** Orders the values of a block, or of each block of a list. */
function each_in_order(its_block: Block, member: object): void {
  const items = member as object[];
  if (items[0] === undefined) {
    in_order(its_block, member);
    return;
  }
  for (const item of items) in_order(its_block, item);
}

/** Orders the values of the blocks in a block. Any phase. */
export function order_blocks({ blocks }: Block, config: object): void {
  for (const [name, inner] of blocks) {
    const member = (config as Record<string, unknown>)[name];
    if (member !== undefined) each_in_order(inner, member as object);
  }
}

/** Orders a block's values, and those of the blocks in it. Returns them. Any phase. */
export function in_order<T extends object>(its_block: Block, config: T): T {
  order_blocks(its_block, config);
  return shaped(config, its_block.shape);
}

/** Copies the options of a block, and nothing else, so that equal values have equal JSON texts. Any phase. */
export function copy_of<Options extends object>(its_block: Block<Options>, from: object): Values<Options> {
  const copy = new_table(0, its_block.least) as Record<string, unknown>;
  // Not a spread: that goes through `pairs`, which LuaJIT does not compile, and a start copies thousands.
  for (const name of its_block.names) copy[name] = (from as Record<string, unknown>)[name];
  return in_order(its_block, copy) as Values<Options>;
}

/** Returns whether two objects have the same values of a block's options. Any phase. */
export function have_equal(its_block: Block, one: object, other: object): boolean {
  const [ours, theirs] = [copy_of(its_block, one), copy_of(its_block, other)] as Record<string, unknown>[];
  for (const name of its_block.names) {
    if (!is_equal(ours[name], theirs[name])) return false;
  }
  return true;
}

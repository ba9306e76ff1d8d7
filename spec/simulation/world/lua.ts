import * as ffi from "ffi";
import { set_of } from "../../../src/resty/sluice/lib/tables";
import { cast } from "./memory";

/**
 * Lua VMs: each process has its own modules and globals. What one run has compiled serves all others.
 */

type Require = (this: void, name: string) => unknown;
type Chunk = (this: void, name: string) => unknown;

/** A change of a module's source, which must match exactly once. */
export interface Mutation {
  module: string;
  from: string;
  to: string;
}

interface Lua {
  loadstring: (this: void, code: string, name: string) => LuaMultiReturn<[Chunk | undefined, string]>;
  setfenv: (this: void, factory: Factory, globals: object) => void;
  package: {
    path: string;
    searchpath: (this: void, name: string, path: string) => LuaMultiReturn<[string | undefined, string]>;
  };
  pairs: (this: void, of: object) => unknown;
  next: (this: void, of: object, key?: unknown) => LuaMultiReturn<[unknown, unknown]>;
  require: Require;
}

const lua = _G as unknown as Lua;

let mutations: readonly Mutation[] = [];
/** Makes a module's chunk anew, with its own variables. All share one compiled code. */
type Factory = (this: void) => Chunk;
const factories = new LuaTable<string, Factory>();

/** Sets the faults that modules have from now on. */
export function use_mutations(used: readonly Mutation[]): void {
  mutations = used;
  for (const { module } of used) factories.delete(module);
}

function mutated(source: string, name: string): string {
  let text = source;
  for (const { module, from, to } of mutations) {
    if (module === name) {
      const [first, last] = string.find(text, from, 1, true);
      if (first === undefined || last === undefined) error(`${name} has no such text to replace: ${from}`, 0);
      if (string.find(text, from, last + 1, true)[0] !== undefined)
        error(`${name} has this text more than once: ${from}`, 0);
      text = string.sub(text, 1, first - 1) + to + string.sub(text, last + 1);
    }
  }
  return text;
}

function read_source(name: string): string {
  const [path, cause] = lua.package.searchpath(name, lua.package.path);
  if (path === undefined) return error(cause, 0);
  const [file] = io.open(path, "rb");
  const source = file?.read("*a" as never) as string | undefined;
  file?.close();
  return source ?? error(`could not read ${path}`, 0);
}

/** Returns a module's chunk, whose globals are those of a VM. */
function chunk_of(name: string, globals: object): Chunk {
  let factory = factories.get(name) as Factory | undefined;
  if (factory === undefined) {
    // The line numbers are those of the module.
    const code = `return function(...) ${mutated(read_source(name), name)}\nend`;
    const [compiled, cause] = lua.loadstring(code, `=${name}`);
    if (compiled === undefined) return error(cause, 0);
    factory = compiled as unknown as Factory;
    factories.set(name, factory);
  }
  // A function has the globals of the one that makes it.
  lua.setfenv(factory, globals);
  return factory();
}

function is_before(this: void, a: unknown, b: unknown): boolean {
  const kinds = [type(a), type(b)];
  return kinds[0] === kinds[1] ? (a as number) < (b as number) : kinds[0] < kinds[1];
}

/** As Lua's `pairs`, but in the order of the keys, which is the same in each run. */
function sorted_pairs(this: void, of: object): unknown {
  const keys: unknown[] = [];
  let can_sort = true;
  let key = lua.next(of)[0];
  while (key !== undefined) {
    const kind = type(key);
    if (kind !== "string" && kind !== "number") can_sort = false;
    keys.push(key);
    key = lua.next(of, key)[0];
  }
  if (can_sort) table.sort(keys, is_before);
  let at = 0;
  return () => {
    while (at < keys.length) {
      at += 1;
      const value = (of as Record<string, unknown>)[keys[at - 1] as string];
      if (value !== undefined) return $multi(keys[at - 1], value);
    }
    return $multi(undefined, undefined);
  };
}

/** Modules without state of their own: all VMs have them in common. */
const OWN_LIB = set_of(["clock", "pause", "run", "job", "turn", "slices"]);

const commons = new LuaTable<string, boolean>();

function is_common(name: string): boolean {
  const known = commons.get(name) as boolean | undefined;
  if (known !== undefined) return known;
  const is_one = name === "lualib_bundle" || is_common_path(name);
  commons.set(name, is_one);
  return is_one;
}

function is_common_path(name: string): boolean {
  const [lib] = string.match(name, "^src%.resty%.sluice%.lib%.([%w_]+)$");
  return lib === undefined ? string.sub(name, 1, 24) === "src.resty.sluice.config." : !OWN_LIB.has(lib);
}

let common: Require | undefined;

/** Returns a module that all VMs have in common. */
function common_module(name: string): unknown {
  common ??= new_vm({ ngx: {} }, {}, (needed) => {
    if (string.sub(needed, 1, 4) === "src." && !is_common(needed)) error(`${name} needs ${needed}`, 0);
    return undefined;
  });
  return common(name);
}

/** Makes a new VM. `replaced` has the modules of the platform, by their names. */
export function new_lua(globals: Record<string, unknown>, replaced: Record<string, unknown>): Require {
  return new_vm(globals, replaced, (name) => (is_common(name) ? common_module(name) : undefined));
}

/** As `new_lua`. `find` returns a module that another VM has. */
function new_vm(
  globals: Record<string, unknown>,
  replaced: Record<string, unknown>,
  find: (this: void, name: string) => unknown,
): Require {
  const loaded = new LuaTable<string, unknown>();
  const env = { pairs: sorted_pairs, ...globals } as Record<string, unknown>;
  setmetatable(env, {
    __index: _G,
  });
  env._G = env;
  const require: Require = (name) => {
    const known: unknown = loaded.get(name);
    if (known !== undefined) return known;
    const there = replaced[name] ?? find(name);
    if (there !== undefined) return there;
    if (string.sub(name, 1, 4) !== "src." && name !== "lualib_bundle") return lua.require(name);
    const module = chunk_of(name, env)(name);
    loaded.set(name, module ?? true);
    return module;
  };
  env.require = require;
  return require;
}

/** Functions of the C library that have no effect on the world. */
const PURE = set_of([
  "sluice_strerror",
  "sluice_text_of",
  "sluice_inet_pton",
  "sluice_hmac",
  "sluice_sha256",
]);
const declared = new LuaSet<string>();

/** Makes the `ffi` of a process, whose C library is `libc`. */
export function new_ffi(libc: object, errno: (this: void) => number): object {
  const C = setmetatable(libc, {
    __index: (_: object, name: string) => {
      if (PURE.has(name)) return (ffi.C as Record<string, unknown>)[name];
      return error(`missing declaration for symbol '${name}'`, 0);
    },
  });
  const own = {
    C,
    cast,
    errno,
    cdef: (text: string) => {
      if (declared.has(text)) return;
      ffi.cdef(text);
      declared.add(text);
    },
  };
  return setmetatable(own, { __index: ffi });
}

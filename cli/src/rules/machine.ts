import defs from "fengari/src/defs.js";
import lauxlib from "fengari/src/lauxlib.js";
import lbaselib from "fengari/src/lbaselib.js";
import lmathlib from "fengari/src/lmathlib.js";
import lstrlib from "fengari/src/lstrlib.js";
import ltablib from "fengari/src/ltablib.js";
import lua, { type LuaState } from "fengari/src/lua.js";
import sources from "virtual:rules";
import { ipBytes } from "./ip";
import prelude from "./prelude.lua?raw";
import { LuaFunction, push, textAt, valueAt } from "./values";

/**
 * Runs the gateway's own rules: its compiled Lua, in a Lua machine that is written in JavaScript. So a file
 * is valid here exactly if it is there.
 */

const { to_luastring: bytesOf } = defs;

/**
 * Makes all numbers doubles, as in LuaJIT, for which the rules are written. Integers of this machine have 32
 * bits.
 */
async function useDoubles(): Promise<void> {
  // It can only be loaded after the modules above.
  const { default: lobject } = await import("fengari/src/lobject.js");
  const parseNumber = lobject.luaO_str2num;
  lobject.luaO_str2num = (text, into) => {
    const size = parseNumber(text, into);
    if (size !== 0 && into.ttisinteger()) into.setfltvalue(into.value);
    return size;
  };
}

const ipFunction = new LuaFunction((state) => {
  const bytes = ipBytes(lua.lua_tojsstring(state, 1), lua.lua_toboolean(state, 2));
  if (bytes === undefined) lua.lua_pushnil(state);
  else lua.lua_pushstring(state, Uint8Array.from(bytes));
  return 1;
});

const encodeFunction = new LuaFunction((state) => {
  push(state, JSON.stringify(valueAt(state, 1)));
  return 1;
});

const decodeFunction = new LuaFunction((state) => {
  push(state, JSON.parse(textAt(state, 1)));
  return 1;
});

function ensure(state: LuaState, status: number): void {
  if (status !== defs.thread_status.LUA_OK)
    throw new Error(`the rules have failed: ${lua.lua_tojsstring(state, -1)}`);
}

async function newMachine(): Promise<LuaState> {
  await useDoubles();
  const state = lauxlib.luaL_newstate();
  const libraries: [name: string, open: unknown][] = [
    ["_G", lbaselib.luaopen_base],
    ["string", lstrlib.luaopen_string],
    ["table", ltablib.luaopen_table],
    ["math", lmathlib.luaopen_math],
  ];
  for (const [name, open] of libraries) lauxlib.luaL_requiref(state, bytesOf(name), open, 1);
  lua.lua_settop(state, 0);
  const bytes = bytesOf(prelude);
  ensure(state, lauxlib.luaL_loadbuffer(state, bytes, bytes.length, bytesOf("=prelude")));
  const stubs = [sources, null, ipFunction, encodeFunction, decodeFunction];
  for (const stub of stubs) push(state, stub);
  ensure(state, lua.lua_pcall(state, stubs.length, 1, 0));
  return state;
}

/** Calls the rules. Returns their result. */
export type Rules = (...args: unknown[]) => unknown;

/** Loads the rules. The result calls the function that the prelude returns. */
export async function loadRules(): Promise<Rules> {
  const machine = await newMachine();
  return (...args) => {
    lua.lua_settop(machine, 1);
    lua.lua_pushvalue(machine, 1);
    for (const argument of args) push(machine, argument);
    ensure(machine, lua.lua_pcall(machine, args.length, 1, 0));
    return valueAt(machine, -1);
  };
}

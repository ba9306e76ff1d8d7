import defs from "fengari/src/defs.js";
import lua, { type LuaState } from "fengari/src/lua.js";

/** Converts values between JavaScript and Lua. */

const { LUA_TBOOLEAN, LUA_TLIGHTUSERDATA, LUA_TNUMBER, LUA_TSTRING, LUA_TTABLE } = defs.constant_types;
const { to_luastring: bytesOf } = defs;

/** What stands for JSON's null in Lua, as `cjson.null` does. */
export const NULL = { name: "null" };

/** A value in Lua that is passed back to Lua as it is. */
export class LuaFunction {
  constructor(readonly call: (state: LuaState) => number) {}
}

/** Pushes a value: an object or an array becomes a table, null becomes `NULL`, undefined becomes nil. */
export function push(state: LuaState, value: unknown): void {
  if (value === undefined) lua.lua_pushnil(state);
  else if (value === null) lua.lua_pushlightuserdata(state, NULL);
  else if (typeof value === "boolean") lua.lua_pushboolean(state, value);
  else if (typeof value === "number") lua.lua_pushnumber(state, value);
  else if (typeof value === "string") lua.lua_pushstring(state, bytesOf(value));
  else if (value instanceof LuaFunction) lua.lua_pushcfunction(state, value.call);
  else if (Array.isArray(value)) pushList(state, value);
  else pushTable(state, value as Record<string, unknown>);
}

function pushList(state: LuaState, items: unknown[]): void {
  lua.lua_createtable(state, items.length, 0);
  items.forEach((item, index) => {
    push(state, item);
    lua.lua_rawseti(state, -2, index + 1);
  });
}

function pushTable(state: LuaState, members: Record<string, unknown>): void {
  lua.lua_createtable(state, 0, 0);
  for (const [name, member] of Object.entries(members)) {
    push(state, name);
    push(state, member);
    lua.lua_rawset(state, -3);
  }
}

/** Returns the string at an index. */
export function textAt(state: LuaState, index: number): string {
  return Buffer.from(lua.lua_tostring(state, index)).toString("utf8");
}

/** Returns the value at an index. A table becomes an object, or an array if it has an item 1. */
export function valueAt(state: LuaState, index: number): unknown {
  const type = lua.lua_type(state, index);
  if (type === LUA_TBOOLEAN) return lua.lua_toboolean(state, index);
  if (type === LUA_TNUMBER) return lua.lua_tonumber(state, index);
  if (type === LUA_TSTRING) return textAt(state, index);
  if (type === LUA_TLIGHTUSERDATA) return lua.lua_touserdata(state, index) === NULL ? null : undefined;
  return type === LUA_TTABLE ? tableAt(state, index) : undefined;
}

function tableAt(state: LuaState, index: number): unknown {
  const entries: [key: unknown, value: unknown][] = [];
  lua.lua_pushvalue(state, index);
  lua.lua_pushnil(state);
  while (lua.lua_next(state, -2) !== 0) {
    entries.push([valueAt(state, -2), valueAt(state, -1)]);
    lua.lua_settop(state, -2);
  }
  lua.lua_settop(state, -2);
  const isList = entries.some(([key]) => key === 1);
  if (!isList) return Object.fromEntries(entries.map(([key, value]) => [String(key), value]));
  const items: unknown[] = [];
  for (const [key, value] of entries) items[Number(key) - 1] = value;
  return items;
}

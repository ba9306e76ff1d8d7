/** The parts of fengari that the command uses. It has no types of its own. */

declare module "fengari/src/defs.js" {
  const defs: {
    LUA_MULTRET: number;
    thread_status: { LUA_OK: number };
    constant_types: {
      LUA_TNIL: number;
      LUA_TBOOLEAN: number;
      LUA_TLIGHTUSERDATA: number;
      LUA_TNUMBER: number;
      LUA_TSTRING: number;
      LUA_TTABLE: number;
    };
    to_luastring: (this: void, text: string) => Uint8Array;
  };
  export default defs;
}

declare module "fengari/src/lua.js" {
  export interface LuaState {
    readonly luaState: unique symbol;
  }
  type LuaFunction = (state: LuaState) => number;
  const lua: {
    lua_createtable(state: LuaState, items: number, members: number): void;
    lua_getfield(state: LuaState, index: number, name: Uint8Array): number;
    lua_gettop(state: LuaState): number;
    lua_next(state: LuaState, index: number): number;
    lua_pcall(state: LuaState, args: number, results: number, handler: number): number;
    lua_pushboolean(state: LuaState, value: boolean): void;
    lua_pushcfunction(state: LuaState, called: LuaFunction): void;
    lua_pushlightuserdata(state: LuaState, value: object): void;
    lua_pushnil(state: LuaState): void;
    lua_pushnumber(state: LuaState, value: number): void;
    lua_pushstring(state: LuaState, text: Uint8Array): void;
    lua_pushvalue(state: LuaState, index: number): void;
    lua_rawset(state: LuaState, index: number): void;
    lua_rawseti(state: LuaState, index: number, key: number): void;
    lua_setfield(state: LuaState, index: number, name: Uint8Array): void;
    lua_setglobal(state: LuaState, name: Uint8Array): void;
    lua_getglobal(state: LuaState, name: Uint8Array): number;
    lua_settop(state: LuaState, index: number): void;
    lua_toboolean(state: LuaState, index: number): boolean;
    lua_tojsstring(state: LuaState, index: number): string;
    lua_tonumber(state: LuaState, index: number): number;
    lua_tostring(state: LuaState, index: number): Uint8Array;
    lua_touserdata(state: LuaState, index: number): unknown;
    lua_type(state: LuaState, index: number): number;
    lua_error(state: LuaState): number;
  };
  export default lua;
}

declare module "fengari/src/lauxlib.js" {
  import type { LuaState } from "fengari/src/lua.js";
  const lauxlib: {
    luaL_newstate(): LuaState;
    luaL_loadbuffer(state: LuaState, text: Uint8Array, size: number, name: Uint8Array): number;
    luaL_requiref(state: LuaState, name: Uint8Array, open: unknown, isGlobal: number): void;
  };
  export default lauxlib;
}

declare module "fengari/src/lobject.js" {
  interface Value {
    value: number;
    ttisinteger(): boolean;
    setfltvalue(value: number): void;
  }
  const lobject: { luaO_str2num: (this: void, text: Uint8Array, into: Value) => number };
  export default lobject;
}

declare module "fengari/src/lbaselib.js" {
  const library: { luaopen_base: unknown };
  export default library;
}

declare module "fengari/src/lstrlib.js" {
  const library: { luaopen_string: unknown };
  export default library;
}

declare module "fengari/src/ltablib.js" {
  const library: { luaopen_table: unknown };
  export default library;
}

declare module "fengari/src/lmathlib.js" {
  const library: { luaopen_math: unknown };
  export default library;
}

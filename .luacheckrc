-- Run over dist/, the Lua that TypeScriptToLua wrote: what matters there is a name that does not exist
-- when nginx runs it (a `Date`, a `JSON`, a helper left out), not the style of generated code.
std = "ngx_lua"
self = false
ignore = {
  "211/____.*", -- names the compiler makes: imports used for one field only, loop counters
  "211/__TS__.*", -- inlined helpers come in families; not each member is called
  "212", -- an argument that a contract asks for and one implementation does not need
  "213/____.*",
  "4..", -- shadowing: block scopes of TypeScript become locals of the same name
  "542", -- an empty branch
  "581", -- `not (a ~= b)`
  "6..", -- white space and long lines
}

-- `npm run build` makes dist/ for `luarocks make`. `luarocks build` and `luarocks pack` take it from the package that
-- `npm pack` writes, beside this file. What is in dist/ is listed nowhere, so that no list can be wrong.
rockspec_format = "3.0"
package = "lua-resty-sluice"
version = "0.1.0-1"
source = {
  url = "file://lua-resty-sluice-0.1.0.tgz",
  dir = "package",
}
description = {
  summary = "Dynamic upstreams for OpenResty: add, delete and watch upstream servers over HTTP, with no reload",
  license = "MIT",
}
supported_platforms = { "linux" }
-- LuaJIT, with what OpenResty, or Debian's lua-nginx-module and lua-cjson, bring along.
dependencies = { "lua == 5.1" }
build = {
  type = "command",
  install_command = "cp -R dist/. $(LUADIR)",
}

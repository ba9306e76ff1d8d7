#!/bin/sh
# What the test's base image has in OpenResty's place: Debian's nginx, which wants its Lua modules loaded. It takes -g
# once only, so the directives that come with -g are added to.
modules="load_module /usr/lib/nginx/modules/ndk_http_module.so; load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;"
given=""
count=$#
while [ "$count" -gt 0 ]; do
  argument=$1
  shift
  count=$((count - 1))
  if [ "$argument" = -g ]; then
    given=$1
    shift
    count=$((count - 1))
  else
    set -- "$@" "$argument"
  fi
done
exec /usr/sbin/nginx -p /usr/local/openresty/nginx "$@" -g "$given $modules"

#!/bin/sh
# Replaces the program "openresty" in the base image of the tests. Debian's nginx must load its Lua modules
# with -g, which nginx accepts only once, so they are added to the directives of a given -g.
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

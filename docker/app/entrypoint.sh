#!/bin/sh
# Finds this server's address and executes nginx.
set -eu
address=$(hostname -i | tr ' ' '\n' | grep -m 1 -F .) || {
  echo "app: this container has no IPv4 address" >&2
  exit 1
}
export ADDRESS="$address:8000"
exec /usr/local/openresty/bin/openresty -e stderr -c /opt/app/nginx.conf -g "daemon off;"

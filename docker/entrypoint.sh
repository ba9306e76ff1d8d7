#!/bin/sh
# Writes the SLUICE_* variables into nginx.conf and executes nginx. It writes only to /tmp and to the state
# folder, so the rest of the file system may be read-only.
set -eu
export LC_ALL=C

fail() {
  printf 'sluice: %s\n' "$*" >&2
  exit 1
}

# Every value that is written to nginx.conf is checked first, so that no value can become a directive.
check() { # name, value, what it must be, a pattern of forbidden values
  case "$2" in
    "" | $4) fail "invalid $1=$2: must be $3" ;;
  esac
}

check_number() { # name, value, what it must be, the maximum
  check "$1" "$2" "$3" "*[!0-9]*"
  [ "${#2}" -le 5 ] && [ "$2" -ge 1 ] && [ "$2" -le "$4" ] || fail "invalid $1=$2: must be $3"
}

check_path() { # name, value
  check "$1" "$2" "an absolute path of letters, digits and . _ / -" "*[!A-Za-z0-9._/-]*"
  check "$1" "$2" "an absolute path" "[!/]*"
}

# The value of an invalid path to a file with secrets is not shown, because it may be the secret itself.
check_secret_path() { # name, value
  case "$2" in
    *[!A-Za-z0-9._/-]* | [!/]*) fail "invalid $1: must be the absolute path of a file with tokens" ;;
  esac
}

# Makes a first token of the API when no file with tokens that may write is given: from outside the container,
# the API requires a token. An empty file is replaced, because a crash of the machine may have left it. The
# new file is written, synced and then renamed, so it is complete or absent.
make_token() { # path
  [ ! -s "$1" ] || return 0
  token=$(head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n') || token=
  [ "${#token}" -eq 64 ] || fail "could not make a token: could not read /dev/urandom"
  (
    umask 077
    mkdir -p "$SLUICE_STATE_DIR" && printf %s "$token" >"$1.new" && sync "$1.new" && mv -f "$1.new" "$1" &&
      { sync "$SLUICE_STATE_DIR" || :; }
  ) 2>/dev/null || fail "could not write $1: user $(id -u) must be allowed to write to $SLUICE_STATE_DIR"
  echo "sluice: made a token for the API: docker exec <container> cat $1" >&2
}

# Returns the addresses for nginx's `resolver`, which cosockets need for names in URLs. IPv6 addresses need
# brackets.
resolvers() {
  [ -r /etc/resolv.conf ] || return 0
  while read -r keyword address rest || [ -n "$keyword" ]; do
    [ "$keyword" = nameserver ] || continue
    case "$address" in
      "" | *[!0-9A-Fa-f.:]*) ;;
      *:*) printf '[%s] ' "$address" ;;
      *) printf '%s ' "$address" ;;
    esac
  done </etc/resolv.conf
}

# Executes any other program, such as a shell, without these steps.
case "${1:-}" in
  openresty | nginx | */openresty | */nginx) ;;
  *) exec "$@" ;;
esac

check_number SLUICE_PORT "$SLUICE_PORT" "a port" 65535
check_number SLUICE_API_PORT "$SLUICE_API_PORT" "a port" 65535
[ "$SLUICE_PORT" -ne "$SLUICE_API_PORT" ] || fail "invalid SLUICE_API_PORT=$SLUICE_API_PORT: must differ from SLUICE_PORT"
check_path SLUICE_STATE_DIR "$SLUICE_STATE_DIR"
[ "$SLUICE_WORKERS" = auto ] || check_number SLUICE_WORKERS "$SLUICE_WORKERS" "auto or a number of workers" 1024
hosts=${SLUICE_API_HOSTS:-}
[ -z "$hosts" ] || check SLUICE_API_HOSTS "$hosts" "host names separated by spaces" "*[!A-Za-z0-9._ -]*"
tokens=${SLUICE_TOKENS_FILE:-}
write_tokens=${SLUICE_WRITE_TOKENS_FILE:-}
read_tokens=${SLUICE_READ_TOKENS_FILE:-}
check_secret_path SLUICE_TOKENS_FILE "$tokens"
check_secret_path SLUICE_WRITE_TOKENS_FILE "$write_tokens"
check_secret_path SLUICE_READ_TOKENS_FILE "$read_tokens"
audit_log=${SLUICE_AUDIT_LOG:-}
[ -z "$audit_log" ] || check_path SLUICE_AUDIT_LOG "$audit_log"
resolver=$(resolvers)

mkdir -p /tmp/sluice 2>/dev/null || fail "could not write to /tmp: a read-only file system needs --tmpfs /tmp"
# In a subshell, because dash ends without a message when the redirection of a special builtin fails.
(: >/tmp/sluice/nginx.conf) 2>/dev/null ||
  fail "could not write /tmp/sluice/nginx.conf: user $(id -u) must be allowed to write to /tmp/sluice"
# Links the files that nginx.conf may include.
for file in /usr/local/openresty/nginx/conf/*; do
  [ "${file##*/}" = nginx.conf ] || ln -sfn "$file" "/tmp/sluice/${file##*/}" 2>/dev/null ||
    fail "could not write /tmp/sluice/${file##*/}"
done
[ -r /usr/local/openresty/nginx/conf/nginx.conf ] ||
  fail "could not read /usr/local/openresty/nginx/conf/nginx.conf: user $(id -u) must be allowed to read it"
if [ -z "$tokens$write_tokens" ]; then
  write_tokens=$SLUICE_STATE_DIR/write_token
  make_token "$write_tokens"
fi
sed \
  -e "s|\${SLUICE_PORT}|$SLUICE_PORT|g" \
  -e "s|\${SLUICE_API_PORT}|$SLUICE_API_PORT|g" \
  -e "s|\${SLUICE_STATE_DIR}|$SLUICE_STATE_DIR|g" \
  -e "s|\${SLUICE_WORKERS}|$SLUICE_WORKERS|g" \
  -e "s|\${SLUICE_API_HOSTS}|$hosts|g" \
  -e "s|\${SLUICE_TOKENS_FILE}|$tokens|g" \
  -e "s|\${SLUICE_WRITE_TOKENS_FILE}|$write_tokens|g" \
  -e "s|\${SLUICE_READ_TOKENS_FILE}|$read_tokens|g" \
  -e "s|\${SLUICE_AUDIT_LOG}|$audit_log|g" \
  -e "s|\${SLUICE_RESOLVER}|${resolver:-127.0.0.1}|g" \
  /usr/local/openresty/nginx/conf/nginx.conf 2>/dev/null >/tmp/sluice/nginx.conf ||
  fail "could not write /tmp/sluice/nginx.conf: /tmp may be full"
exec "$@" -e stderr -c /tmp/sluice/nginx.conf

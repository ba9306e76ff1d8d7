# Loaded by the shell that runs a page's blocks, before all of them.
set -euo pipefail

# Writes the status of each answer to stderr, where the test finds it, and ends each answer with a line break.
curl() {
  local note="[${BASH_SOURCE[1]-}:${BASH_LINENO[0]} status %{http_code}]"
  # With --fail the exit status tells, and the page's own commands act on it.
  [[ " $* " =~ \ (-[a-zA-Z]*f[a-zA-Z]*|--fail)\  ]] && note=""
  command curl --silent --show-error --max-time 60 --write-out "\n%{stderr}$note\n" "$@"
}

# `npm test` has built dist/, and the page's gateway is there instead of that of `npm start`.
npm() {
  case "$*" in
    "run build" | start | test | ci) ;;
    *) command npm "$@" ;;
  esac
}

# The page's own gateway.
nginx() {
  command "$SLUICE_NGINX" -e "$SLUICE_FOLDER/error.log" -p "$SLUICE_FOLDER" -c "$SLUICE_FOLDER/nginx.conf" -g "$SLUICE_GLOBALS" "$@"
}
openresty() { nginx "$@"; }
systemctl() {
  case "$1" in
    reload) nginx -s reload ;;
    *) echo "only \`systemctl reload\` can be run here" >&2; return 1 ;;
  esac
}
sudo() { "$@"; }

export -f curl nginx openresty npm sudo systemctl

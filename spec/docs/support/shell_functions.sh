# The shell that runs a page's blocks loads this file first.
set -euo pipefail

# Writes the status of each answer to stderr, where the test finds it, and ends each answer with a line break.
curl() {
  local note="[${BASH_SOURCE[1]-}:${BASH_LINENO[0]} status %{http_code}]"
  # With --fail the page's commands use the exit status, so a status of 4xx or 5xx is not an error of the
  # test.
  [[ " $* " =~ \ (-[a-zA-Z]*f[a-zA-Z]*|--fail)\  ]] && note=""
  command curl --silent --show-error --max-time 60 --write-out "\n%{stderr}$note\n" "$@"
}

# `npm test` has built dist/, and the page's gateway replaces the gateway of `npm start`.
npm() {
  case "$*" in
    "run build" | start | "start -- --traffic" | test | ci) ;;
    *) command npm "$@" ;;
  esac
}

# Controls the page's gateway.
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

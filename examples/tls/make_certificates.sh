#!/bin/sh
# Makes a certificate authority in .sluice/, unless there is one, and certificates for servers:
#   ./make_certificates.sh payments search
# makes certificates for payments.internal and search.internal. They are for demos: their keys have no
# passphrase.
set -eu
cd "$(dirname "$0")"
mkdir -p .sluice

# Makes one certificate and its key: make <name of the file> <arguments of openssl>
make() {
  file=$1
  shift
  said=$(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 30 \
    -keyout ".sluice/$file.key" -out ".sluice/$file.pem" "$@" 2>&1) || {
    echo "$said" >&2
    exit 1
  }
}

[ -e .sluice/ca.pem ] || make ca -subj "/CN=example authority"
for name in "$@"; do
  make "$name" -CA .sluice/ca.pem -CAkey .sluice/ca.key -subj "/CN=$name.internal" \
    -addext "subjectAltName=DNS:$name.internal" -addext "basicConstraints=critical,CA:FALSE"
done

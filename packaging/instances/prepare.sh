#!/usr/bin/env bash
# prepare.sh DIRECTORY: creates what the instances of compose.yaml need, in DIRECTORY/site, for trying: a token of SoftHSM and its PIN, a
# certificate authority and a certificate, and the key of an issuer of access tokens. Does nothing if the folder exists.
set -euo pipefail
umask 077

[ $# -eq 1 ] || { echo "usage: $0 DIRECTORY" >&2; exit 2; }
site=$1/site
[ ! -e "$site" ] || exit 0
# An interrupted run leaves no complete folder.
part=$site.part
rm -rf "$part"
mkdir -p "$part/tokens"
cd "$part"

openssl rand -hex 16 >token.pin
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\n' "$part" >part.conf
SOFTHSM2_CONF=$part/part.conf softhsm2-util --init-token --free --label trial --pin "$(cat token.pin)" \
    --so-pin "$(openssl rand -hex 16)"
rm part.conf
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\n' "$site" >softhsm2.conf

curve=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc)
openssl req -x509 "${curve[@]}" -days 30 -subj "/CN=Strongroom trial authority" -keyout ca-key.pem -out ca.pem \
    -addext "keyUsage=critical,keyCertSign,cRLSign"
openssl req "${curve[@]}" -subj "/CN=strongroom" -keyout server-key.pem -out server.csr
printf 'subjectAltName=DNS:localhost,DNS:balancer,DNS:trial.managedhsm.localhost,IP:127.0.0.1\n' >server.ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca-key.pem -days 30 -extfile server.ext -out server.pem
rm server.csr server.ext

openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out issuer-key.pem
modulus=$(openssl rsa -in issuer-key.pem -noout -modulus | cut -d= -f2 | sed 's/../\\x&/g')
# shellcheck disable=SC2059 # the modulus is an escaped text
modulus=$(printf "$modulus" | openssl base64 -A | tr '+/' '-_' | tr -d '=')
printf '{"keys":[{"kty":"RSA","use":"sig","alg":"RS256","kid":"trial","n":"%s","e":"AQAB"}]}\n' "$modulus" >jwks.json

mv "$part" "$site"

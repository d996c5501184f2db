#!/usr/bin/env bash
# Tests certificates of the vault `demo` with the az command line, and checks each result. Requires `az` in PATH, and a signed-in
# principal of the simulator's seed, as in docs/clients/az.md.
set -euo pipefail
. "$(dirname "$0")/checks.sh"

### Self-signed
az keyvault certificate create --vault-name demo --name web -p "$(az keyvault certificate get-default-policy --output json)" >"$work/out"
az keyvault certificate download --vault-name demo --name web --file "$work/web.pem" --encoding PEM
expect "subject=CN = CLIGetDefaultPolicy" openssl x509 -in "$work/web.pem" -noout -subject
openssl verify -CAfile "$work/web.pem" "$work/web.pem" >"$work/out"
az keyvault secret download --vault-name demo --name web --file "$work/web.pfx" --encoding base64
openssl pkcs12 -in "$work/web.pfx" -passin pass: -nodes -out "$work/web.key" 2>"$work/err"
[ "$(openssl x509 -in "$work/web.pem" -noout -pubkey)" = "$(openssl pkey -in "$work/web.key" -pubout)" ] ||
    fail "the private key is not that of the certificate"
expect web az keyvault certificate list --vault-name demo --query "[].name"
expect false az keyvault certificate set-attributes --vault-name demo --name web --enabled false --query attributes.enabled

### Import
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=imported -days 30 -keyout "$work/key.pem" -out "$work/cert.pem" 2>"$work/err"
cat "$work/key.pem" "$work/cert.pem" >"$work/both.pem"
az keyvault certificate import --vault-name demo --name pem --file "$work/both.pem" >"$work/out"
openssl pkcs12 -export -inkey "$work/key.pem" -in "$work/cert.pem" -passout pass:secret -out "$work/both.pfx"
az keyvault certificate import --vault-name demo --name pfx --file "$work/both.pfx" --password secret >"$work/out"
refused "password\|PKCS\|BadParameter" az keyvault certificate import --vault-name demo --name pfx --file "$work/both.pfx" --password wrong

### Soft-delete, recover and purge
az keyvault certificate delete --vault-name demo --name pem >"$work/out"
expect pem az keyvault certificate list-deleted --vault-name demo --query "[].name"
az keyvault certificate recover --vault-name demo --name pem >"$work/out"
az keyvault certificate delete --vault-name demo --name pem >"$work/out"
az keyvault certificate purge --vault-name demo --name pem

### Contacts and issuers
az keyvault certificate contact add --vault-name demo --email admin@example.com >"$work/out"
expect admin@example.com az keyvault certificate contact list --vault-name demo --query "contactList[].emailAddress"
az keyvault certificate issuer create --vault-name demo --issuer-name issuer --provider Test >"$work/out"
expect Test az keyvault certificate issuer show --vault-name demo --issuer-name issuer --query provider

#!/usr/bin/env bash
# Tests the documented lifecycle of keys with the az command line, and checks each result. Requires `az` in
# PATH, and a signed-in principal of the simulator's seed with all roles, as in docs/clients/az.md, which creates `invoices`.
set -euo pipefail
. "$(dirname "$0")/checks.sh"

printf 'Invoice 17: 100.00 EUR' >"$work/invoice"
digest=$(openssl dgst -sha256 -binary "$work/invoice" | base64)

### Keys of all kinds
expect RSA-HSM az keyvault key create --hsm-name local --name rsa --kty RSA-HSM --size 3072 --query key.kty
expect $'EC-HSM\tP-384' az keyvault key create --hsm-name local --name ec --kty EC-HSM --curve P-384 --query "[[key.kty, key.crv]]"
expect oct-HSM az keyvault key create --hsm-name local --name oct --kty oct-HSM --size 256 --query key.kty
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -quiet -out "$work/own.pem"
expect false az keyvault key import --hsm-name local --name own --pem-file "$work/own.pem" --disabled false --query "attributes.exportable"
expect $'ec\ninvoices\noct\nown\nrsa' az keyvault key list --hsm-name local --query "sort([].name)"
refused "not found" az keyvault key show --hsm-name local --name none

### Cryptographic operations, verified with OpenSSL (JSON output, since az prints bytes as Python literals in TSV)
signature() { az keyvault key sign --hsm-name local --name "$1" --algorithm "$2" --digest "$digest" --query signature; }
for name in rsa own; do
    az keyvault key download --hsm-name local --name $name --encoding PEM --file "$work/$name.public.pem"
    signature $name RS256 | base64 -d >"$work/signature"
    expect "Verified OK" openssl dgst -sha256 -verify "$work/$name.public.pem" -signature "$work/signature" "$work/invoice"
done
[ "$(openssl pkey -in "$work/own.pem" -pubout)" = "$(cat "$work/own.public.pem")" ] || fail "the imported public key differs"
signed=$(signature rsa PS256)
expect true az keyvault key verify --hsm-name local --name rsa --algorithm PS256 --digest "$digest" --signature "$signed" --query isValid
expect false az keyvault key verify --hsm-name local --name rsa --algorithm PS256 --digest "$digest" --signature "$(signature rsa PS256 | tr A-Y B-Z)" --query isValid
sealed=$(az keyvault key encrypt --hsm-name local --name rsa --algorithm RSA-OAEP-256 --value secret --data-type plaintext --query result)
expect '"secret"' az keyvault key decrypt --hsm-name local --name rsa --algorithm RSA-OAEP-256 --value "$sealed" --data-type plaintext --output json --query result
printf secret | openssl pkeyutl -encrypt -pubin -inkey "$work/rsa.public.pem" -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 |
    base64 -w 0 >"$work/sealed"
expect '"secret"' az keyvault key decrypt --hsm-name local --name rsa --algorithm RSA-OAEP-256 --value "$(cat "$work/sealed")" --data-type plaintext --output json --query result
read -r sealed iv tag < <(az keyvault key encrypt --hsm-name local --name oct --algorithm A256GCM --value secret --data-type plaintext \
    --aad 62696c6c --query "[[result, iv, tag]]")
expect '"secret"' az keyvault key decrypt --hsm-name local --name oct --algorithm A256GCM --value "$sealed" --iv "$iv" --tag "$tag" \
    --aad 62696c6c --data-type plaintext --output json --query result
refused "badparameter" az keyvault key decrypt --hsm-name local --name oct --algorithm A256GCM --value "$sealed" --iv "$iv" --tag "$tag" \
    --aad 70616964 --query result

### Versions
expect $'P90D\tP2Y' az keyvault key rotation-policy update --hsm-name local --name ec --query "[[lifetimeActions[0].timeAfterCreate, expiresIn]]" \
    --value '{"lifetimeActions": [{"trigger": {"timeAfterCreate": "P90D"}, "action": {"type": "Rotate"}}], "attributes": {"expiryTime": "P2Y"}}'
expect rotate az keyvault key rotation-policy show --hsm-name local --name ec --query "lifetimeActions[0].action"
az keyvault key rotate --hsm-name local --name ec >"$work/out"
expect 2 az keyvault key list-versions --hsm-name local --name ec --query "length(@)"
expect false az keyvault key set-attributes --hsm-name local --name ec --enabled false --query attributes.enabled
digest=$(openssl dgst -sha384 -binary "$work/invoice" | base64)
refused "disabled" signature ec ES384
random=$(az keyvault key random --hsm-name local --count 12 --output json --query value)
[ ${#random} = 18 ] || fail "expected twelve bytes: $random"

### Soft delete, recover, purge
az keyvault key delete --hsm-name local --name ec >"$work/out"
expect ec az keyvault key list-deleted --hsm-name local --query "[].name"
expect true az keyvault key show-deleted --hsm-name local --name ec --query "contains(recoveryId, '/deletedkeys/ec')"
refused "recovered or purged" az keyvault key create --hsm-name local --name ec --kty EC-HSM
az keyvault key recover --hsm-name local --name ec >"$work/out"
expect 2 az keyvault key list-versions --hsm-name local --name ec --query "length(@)"
az keyvault key delete --hsm-name local --name ec >"$work/out"
az keyvault key purge --hsm-name local --name ec
expect "" az keyvault key list-deleted --hsm-name local --query "[].name"

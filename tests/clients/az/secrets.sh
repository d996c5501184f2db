#!/usr/bin/env bash
# Tests secrets and keys of the vault `demo` with the az command line, and checks each result. Requires `az` in PATH, and a
# signed-in principal of the simulator's seed, as in docs/clients/az.md.
set -euo pipefail
. "$(dirname "$0")/checks.sh"

### Secrets
expect hunter2 az keyvault secret set --vault-name demo --name password --value hunter2 --tags team=web \
    --content-type text/plain --query value
expect $'hunter2\tweb\ttext/plain\tutf-8' az keyvault secret show --vault-name demo --name password \
    --query "[[value, tags.team, contentType, tags.\"file-encoding\"]]"
first=$(az keyvault secret show --vault-name demo --name password --query id)
expect "$first" az keyvault secret show --id "$first" --query id
printf 'line 1\nline 2\n' >"$work/secret"
expect utf-8 az keyvault secret set --vault-name demo --name file --file "$work/secret" --query "tags.\"file-encoding\""
az keyvault secret download --vault-name demo --name file --file "$work/copy"
cmp "$work/secret" "$work/copy"
az keyvault secret set --vault-name demo --name password --value second >"$work/out"
expect second az keyvault secret show --vault-name demo --name password --query value
expect 2 az keyvault secret list-versions --vault-name demo --name password --query "length(@)"
expect $'file\npassword' az keyvault secret list --vault-name demo --query "[].name"
expect false az keyvault secret set-attributes --vault-name demo --name password --enabled false --query attributes.enabled
refused "SecretDisabled" az keyvault secret show --vault-name demo --name password
az keyvault secret set-attributes --vault-name demo --name password --enabled true >"$work/out"

### Soft-delete, recover, purge, backup and restore
az keyvault secret backup --vault-name demo --name password --file "$work/backup"
refused "There was a conflict restoring the secret" az keyvault secret restore --vault-name demo --file "$work/backup"
az keyvault secret delete --vault-name demo --name password >"$work/out"
expect password az keyvault secret list-deleted --vault-name demo --query "[].name"
expect password az keyvault secret show-deleted --vault-name demo --name password --query name
refused "ObjectIsDeletedButRecoverable" az keyvault secret set --vault-name demo --name password --value x
az keyvault secret recover --vault-name demo --name password >"$work/out"
expect second az keyvault secret show --vault-name demo --name password --query value
az keyvault secret delete --vault-name demo --name password >"$work/out"
az keyvault secret purge --vault-name demo --name password
az keyvault secret restore --vault-name demo --file "$work/backup" >"$work/out"
expect second az keyvault secret show --vault-name demo --name password --query value

### Keys
expect $'RSA\t6' az keyvault key create --vault-name demo --name soft --kty RSA --query "[[key.kty, length(key.keyOps)]]"
expect EC-HSM az keyvault key create --vault-name demo --name hard --kty EC-HSM --curve P-256 --query key.kty
digest=$(printf message | openssl dgst -sha256 -binary | base64)
signature=$(az keyvault key sign --vault-name demo --name hard --algorithm ES256 --digest "$digest" --query signature)
expect true az keyvault key verify --vault-name demo --name hard --algorithm ES256 --digest "$digest" \
    --signature "$signature" --query isValid
ciphertext=$(az keyvault key encrypt --vault-name demo --name soft --algorithm RSA-OAEP-256 --value cGxhaW4= \
    --data-type base64 --query result)
expect cGxhaW4= az keyvault key decrypt --vault-name demo --name soft --algorithm RSA-OAEP-256 --value "$ciphertext" \
    --data-type base64 --query result
expect $'hard\nsoft' az keyvault key list --vault-name demo --query "sort([].name)"
az keyvault key delete --vault-name demo --name soft >"$work/out"
expect soft az keyvault key list-deleted --vault-name demo --query "[].name"
az keyvault key recover --vault-name demo --name soft >"$work/out"
expect RSA az keyvault key show --vault-name demo --name soft --query key.kty

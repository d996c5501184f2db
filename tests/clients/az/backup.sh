#!/usr/bin/env bash
# Tests full backups with the az command line. Requires what hsm.sh requires, BLOB_CONTAINER_URL and BLOB_SAS_TOKEN.
set -euo pipefail
. "$(dirname "$0")/checks.sh"

export STRONGROOM_DATA_DIR=$PWD/.strongroom STRONGROOM_STORAGE_TOKEN=$BLOB_SAS_TOKEN
cd "$work"
storage=(--storage-resource-uri "$BLOB_CONTAINER_URL" --storage-container-SAS-token "$BLOB_SAS_TOKEN")

### A backup by az
az keyvault key create --hsm-name local --name ec --kty EC-HSM --curve P-256 >out
az keyvault key create --hsm-name local --name other --kty oct-HSM --size 256 --ops encrypt decrypt >out
digest=$(printf message | openssl dgst -sha256 -binary | base64)
signature=$(az keyvault key sign --hsm-name local --name ec --algorithm ES256 --digest "$digest" --query signature)
folder=$(az keyvault backup start --hsm-name local "${storage[@]}" --query folderUrl)
folder=${folder##*/}
is_restored() {
    expect true az keyvault key verify --hsm-name local --name ec --algorithm ES256 --digest "$digest" \
        --signature "$signature" --query isValid
}

### One key is restored, then all
az keyvault key delete --hsm-name local --name ec >out
az keyvault key purge --hsm-name local --name ec
az keyvault restore start --hsm-name local --key-name ec "${storage[@]}" --backup-folder "$folder" >out
is_restored
az keyvault key create --hsm-name local --name later --kty EC-HSM >out
az keyvault key delete --hsm-name local --name ec >out
az keyvault restore start --hsm-name local "${storage[@]}" --backup-folder "$folder" >out
is_restored
expect $'ec\ninvoices\nother' az keyvault key list --hsm-name local --query "sort([].name)"
refused "" az keyvault restore start --hsm-name local "${storage[@]}" --backup-folder none

### strongroom reads the backup of az, and az that of strongroom
strongroom restore check --storage "$BLOB_CONTAINER_URL" --folder "$folder" >out
strongroom backup check --storage "$BLOB_CONTAINER_URL" >out
folder=$(strongroom --output json backup start --storage "$BLOB_CONTAINER_URL" | python -c "import json, sys; print(json.load(sys.stdin)['folder'])")
az keyvault key delete --hsm-name local --name ec >out
az keyvault restore start --hsm-name local "${storage[@]}" --backup-folder "${folder##*/}" >out
is_restored

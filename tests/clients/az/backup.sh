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

### The drill: an HSM with keys of every type is lost, and recovered in a new one
dev=5f5f0fe6-58db-5998-91a5-15b9b035d751
create_hsm() {
    expect Succeeded az keyvault create --hsm-name payroll --resource-group dev --location localhost --administrators $dev \
        --retention-days 7 --query properties.provisioningState
}
for holder in a b c outsider; do
    openssl req -newkey rsa:2048 -nodes -keyout $holder.pem -x509 -days 30 -subj "/CN=$holder" -out $holder.cer 2>/dev/null
done
create_hsm
az keyvault security-domain download --hsm-name payroll --sd-wrapping-keys a.cer b.cer c.cer --sd-quorum 2 \
    --security-domain-file domain.json >out
az keyvault role assignment create --hsm-name payroll --role "Managed HSM Crypto User" --assignee-object-id $dev \
    --assignee-principal-type ServicePrincipal --scope / >out
signed=(P-256:ES256:256 P-384:ES384:384 P-521:ES512:512 P-256K:ES256K:256 RSA:PS256:256)
for row in "${signed[@]}"; do
    IFS=: read -r kind algorithm bits <<<"$row"
    options=(--kty EC-HSM --curve "$kind")
    if [ "$kind" = RSA ]; then options=(--kty RSA-HSM --size 3072); fi
    az keyvault key create --hsm-name payroll --name "$kind" "${options[@]}" >out
    printf message | openssl dgst "-sha$bits" -binary | base64 -w 0 >"$kind.digest"
    az keyvault key sign --hsm-name payroll --name "$kind" --algorithm "$algorithm" --digest "$(cat "$kind.digest")" \
        --query signature >"$kind.signature"
done
az keyvault key create --hsm-name payroll --name oct --kty oct-HSM --size 256 --ops encrypt decrypt >out
az keyvault key encrypt --hsm-name payroll --name oct --algorithm A256GCM --value secret --data-type plaintext -o json >sealed
sealed() {
    python -c "import json, sys; print(json.load(open('sealed'))[sys.argv[1]])" "$1"
}
folder=$(az keyvault backup start --hsm-name payroll "${storage[@]}" --query folderUrl)
az keyvault delete --hsm-name payroll
az keyvault purge --hsm-name payroll

create_hsm
az keyvault security-domain init-recovery --hsm-name payroll --sd-exchange-key exchange.pem
upload() {
    az keyvault security-domain upload --hsm-name payroll --sd-file domain.json --sd-exchange-key exchange.pem \
        --sd-wrapping-keys "$@"
}
refused "" upload a.pem
refused "" upload a.pem outsider.pem
upload b.pem c.pem >out
az keyvault restore start --hsm-name payroll "${storage[@]}" --backup-folder "${folder##*/}" >out
for row in "${signed[@]}"; do
    IFS=: read -r kind algorithm _ <<<"$row"
    expect true az keyvault key verify --hsm-name payroll --name "$kind" --algorithm "$algorithm" \
        --digest "$(cat "$kind.digest")" --signature "$(cat "$kind.signature")" --query isValid
    az keyvault key sign --hsm-name payroll --name "$kind" --algorithm "$algorithm" --digest "$(cat "$kind.digest")" >out
done
expect "b'secret'" az keyvault key decrypt --hsm-name payroll --name oct --algorithm A256GCM --data-type plaintext \
    --value "$(sealed result)" --iv "$(sealed iv)" --tag "$(sealed tag)" --query result
# The backup of another security domain.
refused "security domain" az keyvault restore start --hsm-name local "${storage[@]}" --backup-folder "${folder##*/}"

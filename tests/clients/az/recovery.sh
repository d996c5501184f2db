#!/usr/bin/env bash
# Tests the security domain and key backups with the az command line: an HSM is activated, used, backed up, purged, and
# recovered in a new one. Requires what hsm.sh requires.
set -euo pipefail
. "$(dirname "$0")/checks.sh"

dev=5f5f0fe6-58db-5998-91a5-15b9b035d751

create_hsm() {
    expect Succeeded az keyvault create --hsm-name payroll --resource-group dev --location localhost --administrators $dev \
        --retention-days 7 --query properties.provisioningState
}

assign_role() {
    az keyvault role assignment create --hsm-name payroll --role "Managed HSM Crypto User" --assignee-object-id $dev \
        --assignee-principal-type ServicePrincipal --scope / >"$work/out"
}

export STRONGROOM_DATA_DIR=$PWD/.strongroom
cd "$work"
for holder in a b c outsider; do
    openssl req -newkey rsa:2048 -nodes -keyout $holder.pem -x509 -days 30 -subj "/CN=$holder" -out $holder.cer 2>/dev/null
done
openssl pkcs8 -topk8 -in b.pem -passout pass:secret -out b.encrypted 2>/dev/null && mv b.encrypted b.pem

### Activation by the download
create_hsm
refused "not activated" az keyvault role assignment list --hsm-name payroll
az keyvault security-domain download --hsm-name payroll --sd-wrapping-keys a.cer b.cer c.cer --sd-quorum 2 \
    --security-domain-file domain.json >out
expect Active az keyvault show --hsm-name payroll --query properties.securityDomainProperties.activationStatus
assign_role

### Keys, and what was made with them
az keyvault key create --hsm-name payroll --name ec --kty EC-HSM --curve P-256 >out
az keyvault key create --hsm-name payroll --name oct --kty oct-HSM --size 256 --ops encrypt decrypt >out
digest=$(printf message | openssl dgst -sha256 -binary | base64)
signature=$(az keyvault key sign --hsm-name payroll --name ec --algorithm ES256 --digest "$digest" --query signature)
az keyvault key encrypt --hsm-name payroll --name oct --algorithm A256GCM --value secret --data-type plaintext -o json >sealed
sealed() {
    python -c "import json, sys; print(json.load(open('sealed'))[sys.argv[1]])" "$1"
}
for key in ec oct; do
    az keyvault key backup --hsm-name payroll --name $key --file $key.backup
done
refused "conflict" az keyvault key restore --hsm-name payroll --file ec.backup

### The HSM is lost
az keyvault delete --hsm-name payroll
az keyvault purge --hsm-name payroll

### Recovery in a new HSM
create_hsm
az keyvault security-domain init-recovery --hsm-name payroll --sd-exchange-key exchange.pem
refused "" az keyvault security-domain upload --hsm-name payroll --sd-file domain.json --sd-exchange-key exchange.pem \
    --sd-wrapping-keys a.pem
refused "" az keyvault security-domain upload --hsm-name payroll --sd-file domain.json --sd-exchange-key exchange.pem \
    --sd-wrapping-keys a.pem outsider.pem
expect NotActivated az keyvault show --hsm-name payroll --query properties.securityDomainProperties.activationStatus
az keyvault security-domain upload --hsm-name payroll --sd-file domain.json --sd-exchange-key exchange.pem \
    --sd-wrapping-keys b.pem c.pem --passwords secret >out
expect Active az keyvault show --hsm-name payroll --query properties.securityDomainProperties.activationStatus
assign_role
for key in ec oct; do
    az keyvault key restore --hsm-name payroll --file $key.backup >out
done
expect $'ec\noct' az keyvault key list --hsm-name payroll --query "sort([].name)"
expect true az keyvault key verify --hsm-name payroll --name ec --algorithm ES256 --digest "$digest" \
    --signature "$signature" --query isValid
expect "b'secret'" az keyvault key decrypt --hsm-name payroll --name oct --algorithm A256GCM --data-type plaintext \
    --value "$(sealed result)" --iv "$(sealed iv)" --tag "$(sealed tag)" --query result

### A blob made offline by az, and one made by strongroom
az keyvault delete --hsm-name payroll
az keyvault purge --hsm-name payroll
create_hsm
rm exchange.pem
az keyvault security-domain init-recovery --hsm-name payroll --sd-exchange-key exchange.pem
az keyvault security-domain restore-blob --sd-file domain.json --sd-exchange-key exchange.pem \
    --sd-wrapping-keys a.pem c.pem --sd-file-restore-blob blob.json
az keyvault security-domain upload --hsm-name payroll --sd-file blob.json --restore-blob >out
assign_role
az keyvault key restore --hsm-name payroll --file ec.backup >out
az keyvault delete --hsm-name payroll
az keyvault purge --hsm-name payroll
create_hsm
rm exchange.pem
export STRONGROOM_HSM=payroll
strongroom security-domain init-recovery --sd-exchange-key exchange.pem
strongroom security-domain upload --sd-file domain.json --sd-exchange-key exchange.pem --sd-wrapping-keys a.pem c.pem >out
assign_role
strongroom key restore oct.backup >out
expect oct az keyvault key list --hsm-name payroll --query "[].name"

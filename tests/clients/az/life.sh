#!/usr/bin/env bash
# Tests the documented lifecycle of a managed HSM with the az command line, and checks each result. Requires `az` and
# `strongroom` in PATH, and a signed-in principal of the simulator's seed with all roles, as in docs/clients/az.md.
set -euo pipefail

export AZURE_CORE_ONLY_SHOW_ERRORS=true AZURE_CORE_OUTPUT=tsv
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "$*" >&2
    exit 1
}

# expect WANTED COMMAND...: asserts the command's output; list members are separated by tabs.
expect() {
    local wanted=$1 found
    shift
    found=$("$@") || fail "failed: $*"
    [ "$found" = "$wanted" ] || fail "$*: expected [$wanted], found [$found]"
}

# refused PATTERN COMMAND...: asserts that the command fails and that its standard error matches the pattern.
refused() {
    local pattern=$1
    shift
    if "$@" >"$work/out" 2>"$work/err"; then fail "the command succeeded: $*"; fi
    grep -qi -- "$pattern" "$work/err" || fail "$*: expected [$pattern], found [$(cat "$work/err")]"
}

dev=5f5f0fe6-58db-5998-91a5-15b9b035d751
nobody=017ef382-ccfc-5a21-8811-f306212af370
# az shows an application's client id as its principal name.
nobodys_application=ea50281e-832d-5a7b-994f-0e1f8623868e
subscription=/subscriptions/$(az account show --query id)
printf 'Invoice 17: 100.00 EUR' >"$work/invoice"
digest=$(openssl dgst -sha256 -binary "$work/invoice" | base64)

### The resource
expect Succeeded az keyvault create --hsm-name payroll --resource-group dev --location localhost --administrators $dev \
    --retention-days 7 --tags team=billing --query properties.provisioningState
expect $'payroll\tNotActivated\t7\tStandard_B1\tbilling' az keyvault show --hsm-name payroll --query \
    "[[name, properties.securityDomainProperties.activationStatus, properties.softDeleteRetentionInDays, sku.name, tags.team]]"
expect $'local\npayroll' az keyvault list --resource-type hsm --query "sort([].name)"
expect "" az keyvault list --resource-type vault --query "[].name"
expect $'False\tAlreadyExists' az keyvault check-name --name payroll --resource-type hsm --query "[[nameAvailable, reason]]"
expect true az keyvault check-name --name payroll2 --resource-type hsm --query nameAvailable
refused "not activated" az keyvault role assignment list --hsm-name payroll
strongroom hsm activate payroll >"$work/out"
expect Active az keyvault show --hsm-name payroll --query properties.securityDomainProperties.activationStatus

### Local RBAC: the administrator has no other role, but can assign any, including to itself
refused "keys/create" az keyvault key create --hsm-name payroll --name early --kty EC-HSM
expect 10 az keyvault role definition list --hsm-name payroll --query "length(@)"
expect $dev az keyvault role assignment create --hsm-name payroll --role "Managed HSM Crypto User" --assignee-object-id $dev \
    --assignee-principal-type ServicePrincipal --scope / --query principalId
az keyvault role assignment create --hsm-name payroll --role "Managed HSM Crypto Officer" --assignee-object-id $dev \
    --assignee-principal-type ServicePrincipal --scope / >"$work/out"
expect /keys az keyvault role assignment create --hsm-name payroll --role "Managed HSM Crypto Auditor" \
    --assignee-object-id $nobody --assignee-principal-type ServicePrincipal --scope /keys --query scope
expect $nobodys_application az keyvault role assignment list --hsm-name payroll --scope /keys --query "[].principalName"
az keyvault role assignment delete --hsm-name payroll --role "Managed HSM Crypto Auditor" --assignee-object-id $nobody \
    --scope /keys >"$work/out"
expect "" az keyvault role assignment list --hsm-name payroll --scope /keys --query "[].principalId"
cat >"$work/role.json" <<'ROLE'
{"roleName": "Reads keys", "description": "", "actions": [], "notActions": [],
 "dataActions": ["Microsoft.KeyVault/managedHsm/keys/read/action"], "notDataActions": []}
ROLE
role=$(az keyvault role definition create --hsm-name payroll --role-definition "$work/role.json" --query name)
expect "Reads keys" az keyvault role definition show --hsm-name payroll --name "$role" --query roleName
az keyvault role definition delete --hsm-name payroll --name "$role" >"$work/out"
expect 0 az keyvault role definition list --hsm-name payroll --custom-role-only --query "length(@)"

### Keys of all kinds
expect RSA-HSM az keyvault key create --hsm-name payroll --name rsa --kty RSA-HSM --size 3072 --query key.kty
expect $'EC-HSM\tP-384' az keyvault key create --hsm-name payroll --name ec --kty EC-HSM --curve P-384 --query "[[key.kty, key.crv]]"
expect oct-HSM az keyvault key create --hsm-name payroll --name oct --kty oct-HSM --size 256 --query key.kty
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -quiet -out "$work/own.pem"
expect false az keyvault key import --hsm-name payroll --name own --pem-file "$work/own.pem" --disabled false --query "attributes.exportable"
expect $'ec\noct\nown\nrsa' az keyvault key list --hsm-name payroll --query "sort([].name)"
refused "not found" az keyvault key show --hsm-name payroll --name none

### Cryptographic operations, verified with OpenSSL (JSON output, since az prints bytes as Python literals in TSV)
signature() { az keyvault key sign --hsm-name payroll --name "$1" --algorithm "$2" --digest "$digest" --query signature; }
for name in rsa own; do
    az keyvault key download --hsm-name payroll --name $name --encoding PEM --file "$work/$name.public.pem"
    signature $name RS256 | base64 -d >"$work/signature"
    expect "Verified OK" openssl dgst -sha256 -verify "$work/$name.public.pem" -signature "$work/signature" "$work/invoice"
done
[ "$(openssl pkey -in "$work/own.pem" -pubout)" = "$(cat "$work/own.public.pem")" ] || fail "the imported public key differs"
signed=$(signature rsa PS256)
expect true az keyvault key verify --hsm-name payroll --name rsa --algorithm PS256 --digest "$digest" --signature "$signed" --query isValid
expect false az keyvault key verify --hsm-name payroll --name rsa --algorithm PS256 --digest "$digest" --signature "$(signature rsa PS256 | tr A-Y B-Z)" --query isValid
sealed=$(az keyvault key encrypt --hsm-name payroll --name rsa --algorithm RSA-OAEP-256 --value secret --data-type plaintext --query result)
expect '"secret"' az keyvault key decrypt --hsm-name payroll --name rsa --algorithm RSA-OAEP-256 --value "$sealed" --data-type plaintext --output json --query result
printf secret | openssl pkeyutl -encrypt -pubin -inkey "$work/rsa.public.pem" -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 |
    base64 -w 0 >"$work/sealed"
expect '"secret"' az keyvault key decrypt --hsm-name payroll --name rsa --algorithm RSA-OAEP-256 --value "$(cat "$work/sealed")" --data-type plaintext --output json --query result
read -r sealed iv tag < <(az keyvault key encrypt --hsm-name payroll --name oct --algorithm A256GCM --value secret --data-type plaintext \
    --aad 62696c6c --query "[[result, iv, tag]]")
expect '"secret"' az keyvault key decrypt --hsm-name payroll --name oct --algorithm A256GCM --value "$sealed" --iv "$iv" --tag "$tag" \
    --aad 62696c6c --data-type plaintext --output json --query result
refused "badparameter" az keyvault key decrypt --hsm-name payroll --name oct --algorithm A256GCM --value "$sealed" --iv "$iv" --tag "$tag" \
    --aad 70616964 --query result

### Versions
expect $'P90D\tP2Y' az keyvault key rotation-policy update --hsm-name payroll --name ec --query "[[lifetimeActions[0].timeAfterCreate, expiresIn]]" \
    --value '{"lifetimeActions": [{"trigger": {"timeAfterCreate": "P90D"}, "action": {"type": "Rotate"}}], "attributes": {"expiryTime": "P2Y"}}'
expect rotate az keyvault key rotation-policy show --hsm-name payroll --name ec --query "lifetimeActions[0].action"
az keyvault key rotate --hsm-name payroll --name ec >"$work/out"
expect 2 az keyvault key list-versions --hsm-name payroll --name ec --query "length(@)"
expect false az keyvault key set-attributes --hsm-name payroll --name ec --enabled false --query attributes.enabled
digest=$(openssl dgst -sha384 -binary "$work/invoice" | base64)
refused "disabled" signature ec ES384
random=$(az keyvault key random --hsm-name payroll --count 12 --output json --query value)
[ ${#random} = 18 ] || fail "expected twelve bytes: $random"

### Soft delete, recover, purge
az keyvault key delete --hsm-name payroll --name ec >"$work/out"
expect ec az keyvault key list-deleted --hsm-name payroll --query "[].name"
expect true az keyvault key show-deleted --hsm-name payroll --name ec --query "contains(recoveryId, '/deletedkeys/ec')"
refused "recovered or purged" az keyvault key create --hsm-name payroll --name ec --kty EC-HSM
az keyvault key recover --hsm-name payroll --name ec >"$work/out"
expect 2 az keyvault key list-versions --hsm-name payroll --name ec --query "length(@)"
az keyvault key delete --hsm-name payroll --name ec >"$work/out"
az keyvault key purge --hsm-name payroll --name ec
expect "" az keyvault key list-deleted --hsm-name payroll --query "[].name"

### Settings
expect $'AllowKeyManagementOperationsThroughARM\tfalse' az keyvault setting list --hsm-name payroll --query "[].[name, value]"
expect true az keyvault setting update --hsm-name payroll --name AllowKeyManagementOperationsThroughARM --value true --query value
expect true az keyvault setting show --hsm-name payroll --name AllowKeyManagementOperationsThroughARM --query value

### Soft delete, recover and purge of the HSM
az keyvault delete --hsm-name payroll
expect payroll az keyvault list-deleted --resource-type hsm --query "[].name"
expect "$subscription/resourceGroups/dev/providers/Microsoft.KeyVault/managedHSMs/payroll" \
    az keyvault show-deleted --hsm-name payroll --query properties.mhsmId
refused "conflict" az keyvault key list --hsm-name payroll
refused "recover or purge" az keyvault create --hsm-name payroll --resource-group dev --location localhost --administrators $dev \
    --retention-days 7
expect payroll az keyvault recover --hsm-name payroll --query name
expect $'oct\nown\nrsa' az keyvault key list --hsm-name payroll --query "sort([].name)"
az keyvault delete --hsm-name payroll
az keyvault purge --hsm-name payroll
expect "" az keyvault list-deleted --resource-type hsm --query "[].name"
expect local az keyvault list --resource-type hsm --query "[].name"

### Purge protection cannot be disabled
expect true az keyvault update-hsm --hsm-name local --enable-purge-protection true --query properties.enablePurgeProtection
refused "cannot be turned off" az keyvault update-hsm --hsm-name local --enable-purge-protection false
az keyvault delete --hsm-name local
refused "purge" az keyvault purge --hsm-name local
expect local az keyvault recover --hsm-name local --query name

### ARM RBAC and resource groups
expect westeurope az group create --name team --location westeurope --query location
expect true az group exists --name team
expect $nobody az role assignment create --role Reader --assignee-object-id $nobody --assignee-principal-type ServicePrincipal \
    --scope "$subscription/resourceGroups/team" --query principalId
expect $nobodys_application az role assignment list --scope "$subscription/resourceGroups/team" --query "[?principalId=='$nobody'].principalName"
az role assignment delete --role Reader --assignee $nobody --scope "$subscription/resourceGroups/team"
az group delete --name team --yes
expect false az group exists --name team

### Deleting a resource group soft-deletes the HSMs in it
expect blue az group update --name dev --set tags.team=blue --query tags.team
expect dev az group list --tag team=blue --query "[].name"
expect local az resource list --resource-group dev --resource-type Microsoft.KeyVault/managedHSMs --query "[].name"
az group delete --name dev --yes
expect false az group exists --name dev
expect local az keyvault list-deleted --resource-type hsm --query "[].name"
expect dev az group create --name dev --location localhost --query name
expect local az keyvault recover --hsm-name local --query name

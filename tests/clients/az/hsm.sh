#!/usr/bin/env bash
# Tests the documented lifecycle of a managed HSM with the az command line, and checks each result. Requires `az` and
# `strongroom` in PATH, and a signed-in principal of the simulator's seed with all roles, as in docs/clients/az.md.
set -euo pipefail
. "$(dirname "$0")/checks.sh"

dev=5f5f0fe6-58db-5998-91a5-15b9b035d751
nobody=017ef382-ccfc-5a21-8811-f306212af370
# az shows an application's client id as its principal name.
nobodys_application=ea50281e-832d-5a7b-994f-0e1f8623868e
subscription=/subscriptions/$(az account show --query id)

### The resource
expect Succeeded az keyvault create --hsm-name payroll --resource-group dev --location localhost --administrators $dev \
    --retention-days 7 --tags team=billing --query properties.provisioningState
expect $'payroll\tNotActivated\t7\tStandard_B1\tbilling' az keyvault show --hsm-name payroll --query \
    "[[name, properties.securityDomainProperties.activationStatus, properties.softDeleteRetentionInDays, sku.name, tags.team]]"
expect $'local\npayroll' az keyvault list --resource-type hsm --query "sort([].name)"
expect demo az keyvault list --resource-type vault --query "[].name"
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

### Keys in it
az keyvault key create --hsm-name payroll --name rsa --kty RSA-HSM --size 3072 >"$work/out"
az keyvault key create --hsm-name payroll --name oct --kty oct-HSM --size 256 >"$work/out"
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -quiet -out "$work/own.pem"
az keyvault key import --hsm-name payroll --name own --pem-file "$work/own.pem" >"$work/out"

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

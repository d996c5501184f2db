#!/usr/bin/env bash
# Tests the lifecycle of a vault as a resource with the az command line, and checks each result. Requires `az` and
# `strongroom` in PATH, and a signed-in principal of the simulator's seed with all roles, as in docs/clients/az.md.
set -euo pipefail
. "$(dirname "$0")/checks.sh"

dev=5f5f0fe6-58db-5998-91a5-15b9b035d751
nobody=017ef382-ccfc-5a21-8811-f306212af370
subscription=/subscriptions/$(az account show --query id)

### Create, show and list
expect $'Succeeded\tstandard\t90\tTrue' az keyvault create --name contoso --resource-group dev --location localhost \
    --tags team=web --query "[[properties.provisioningState, properties.sku.name, properties.softDeleteRetentionInDays, properties.enableRbacAuthorization]]"
expect $'contoso\tweb' az keyvault show --name contoso --query "[[name, tags.team]]"
case $(az keyvault show --name contoso --query properties.vaultUri) in
    https://contoso.vault.localhost:*/) ;;
    *) fail "the URI of the vault is another" ;;
esac
expect $'contoso\ndemo' az keyvault list --resource-type vault --query "sort([].name)"
expect $'contoso\ndemo' az keyvault list --resource-group dev --resource-type vault --query "sort([].name)"
expect $'contoso\ndemo' az resource list --resource-type Microsoft.KeyVault/vaults --query "sort([].name)"

### A new vault with access policies gives its creator everything but purge
expect "$dev" az keyvault create --name fabrikam --resource-group dev --location localhost --sku premium \
    --retention-days 7 --enable-rbac-authorization false --query "properties.accessPolicies[].objectId"
expect all az keyvault show --name fabrikam --query "properties.accessPolicies[].permissions.secrets[]"
az keyvault set-policy --name fabrikam --object-id $nobody --secret-permissions get list --key-permissions purge all >"$work/out"
expect $'get\nlist' az keyvault show --name fabrikam --query "sort(properties.accessPolicies[?objectId=='$nobody'].permissions.secrets[])"
az keyvault delete-policy --name fabrikam --object-id $nobody >"$work/out"
expect "$dev" az keyvault show --name fabrikam --query "properties.accessPolicies[].objectId"
expect 0 az keyvault create --name northwind --resource-group dev --location localhost --no-self-perms \
    --enable-rbac-authorization false --query "length(properties.accessPolicies)"

### Updates
expect true az keyvault update --name contoso --enabled-for-deployment true --query properties.enabledForDeployment
expect standard az keyvault update --name fabrikam --set properties.sku.name=standard --query properties.sku.name
az keyvault network-rule add --name fabrikam --ip-address 203.0.113.7 >"$work/out"
expect 203.0.113.7/32 az keyvault network-rule list --name fabrikam --query "ipRules[].value"
az keyvault network-rule remove --name fabrikam --ip-address 203.0.113.7/32 >"$work/out"
refused "can't be modified" az keyvault update --name fabrikam --retention-days 30

### Soft-delete, recover and purge
az keyvault delete --name fabrikam
expect fabrikam az keyvault list-deleted --resource-type vault --query "[].name"
expect "$subscription/resourceGroups/dev/providers/Microsoft.KeyVault/vaults/fabrikam" \
    az keyvault show-deleted --name fabrikam --query properties.vaultId
refused "deleted state" az keyvault create --name fabrikam --resource-group dev --location localhost
expect fabrikam az keyvault recover --name fabrikam --query name
expect "$dev" az keyvault show --name fabrikam --query "properties.accessPolicies[].objectId"
az keyvault delete --name fabrikam
az keyvault purge --name fabrikam
expect "" az keyvault list-deleted --resource-type vault --query "[].name"
expect Succeeded az keyvault create --name fabrikam --resource-group dev --location localhost --query properties.provisioningState

### Purge protection
expect true az keyvault update --name contoso --enable-purge-protection true --query properties.enablePurgeProtection
az keyvault delete --name contoso
refused "MethodNotAllowed\|not allowed" az keyvault purge --name contoso
expect contoso az keyvault recover --name contoso --query name

### A vault and a managed HSM may have the same name
expect Succeeded az keyvault create --name local --resource-group dev --location localhost --query properties.provisioningState
expect local az keyvault list --resource-type hsm --query "[].name"

### A custom role is created, assigned, updated and deleted
cat >"$work/role.json" <<ROLE
{"Name": "Secret writer", "Description": "Writes secrets", "Actions": ["Microsoft.KeyVault/vaults/read"],
 "DataActions": ["Microsoft.KeyVault/vaults/secrets/*"],
 "NotDataActions": ["Microsoft.KeyVault/vaults/secrets/getSecret/action"], "AssignableScopes": ["$subscription"]}
ROLE
expect $'CustomRole\tSecret writer' az role definition create --role-definition "$work/role.json" --query "[[roleType, roleName]]"
expect "Secret writer" az role definition list --custom-role-only --query "[].roleName"
az role assignment create --role "Secret writer" --assignee-object-id $nobody --assignee-principal-type ServicePrincipal \
    --scope "$subscription" >"$work/out"
refused "RoleDefinitionHasAssignments" az role definition delete --name "Secret writer"
az role assignment delete --role "Secret writer" --assignee $nobody --scope "$subscription"
sed -i 's/Writes secrets/Writes only/' "$work/role.json"
expect "Writes only" az role definition update --role-definition "$work/role.json" --query description
az role definition delete --name "Secret writer"
expect "" az role definition list --custom-role-only --query "[].roleName"

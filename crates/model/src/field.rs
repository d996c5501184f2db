//! The fields of requests that errors name, with the spelling of each surface, and the error of parsers.

/// Declares the fields: each with its path on the gRPC surface and its member on Azure's surfaces.
macro_rules! fields {
    ($($variant:ident = $path:literal, $member:literal;)+) => {
        /// A field of a request, or a parameter. The name of a variant is the path on the gRPC surface, or the member
        /// on Azure's surfaces if only these have it.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Field {
            $(#[doc = concat!("`", $path, "`.")] $variant,)+
            /// No field: the message is recorded from Azure and complete without one.
            Unnamed,
        }

        impl Field {
            /// All fields that have a name.
            const NAMED: &'static [Self] = &[$(Self::$variant,)+];

            /// Returns the first field with this path in messages of the gRPC surface.
            pub fn of_path(path: &str) -> Option<Self> {
                Self::NAMED.iter().copied().find(|field| field.path() == path)
            }

            /// Returns the path in messages of the gRPC surface, which the text of errors and the log use too; empty for
            /// [`Unnamed`](Self::Unnamed).
            pub const fn path(self) -> &'static str {
                match self {
                    $(Self::$variant => $path,)+
                    Self::Unnamed => "",
                }
            }

            /// Returns the member of a body, or the parameter, on Azure's surfaces; empty if the message of the error is
            /// recorded from Azure and complete without one.
            pub const fn azure_member(self) -> &'static str {
                match self {
                    $(Self::$variant => $member,)+
                    Self::Unnamed => "",
                }
            }
        }
    };
}

fields! {
    Aad = "aad", "aad";
    AccessPolicies = "access_policies", "properties.accessPolicies";
    AccessPoliciesApplicationId = "access_policies.application_id", "properties.accessPolicies.applicationId";
    AccessPoliciesCertificates = "access_policies.permissions.certificates", "properties.accessPolicies.permissions.certificates";
    AccessPoliciesKeys = "access_policies.permissions.keys", "properties.accessPolicies.permissions.keys";
    AccessPoliciesPrincipalId = "access_policies.principal_id", "properties.accessPolicies.objectId";
    AccessPoliciesSecrets = "access_policies.permissions.secrets", "properties.accessPolicies.permissions.secrets";
    AccessPoliciesStorage = "access_policies.permissions.storage", "properties.accessPolicies.permissions.storage";
    AccessPoliciesTenantId = "access_policies.tenant_id", "properties.accessPolicies.tenantId";
    Action = "action", "action";
    Actions = "actions", "actions";
    AdditionalAuthenticatedData = "additional_authenticated_data", "aad";
    Administrators = "administrators", "properties.initialAdminObjectIds";
    Algorithm = "algorithm", "alg";
    Amount = "amount", "amount";
    ApiVersion = "api-version", "api-version";
    ApplicationId = "application_id", "application_id";
    AttributesEnabled = "attributes.enabled", "attributes.enabled";
    AttributesExp = "attributes.exp", "attributes.exp";
    AttributesExpires = "attributes.expires", "attributes.exp";
    AttributesNbf = "attributes.nbf", "attributes.nbf";
    AttributesNotBefore = "attributes.not_before", "attributes.nbf";
    AuthenticationTag = "authentication_tag", "tag";
    Backup = "backup", "value";
    Body = "body", "body";
    BudgetId = "budget_id", "budget_id";
    By = "by", "by";
    CancellationRequested = "cancellation_requested", "cancellation_requested";
    Certificate = "certificate", "certificate";
    CertificateId = "certificate_id", "name";
    Certificates = "certificates", "certificates";
    Change = "change", "operationKind";
    Ciphertext = "ciphertext", "value";
    ClientId = "client_id", "client_id";
    Contacts = "contacts", "contacts";
    ContentType = "content_type", "contentType";
    Count = "count", "count";
    Crv = "crv", "crv";
    Date = "date", "date";
    DeletedAt = "deleted_at", "deleted_at";
    Digest = "digest", "digest";
    EnabledForDiskEncryption = "enabled_for_disk_encryption", "properties.enabledForDiskEncryption";
    EnabledForTemplateDeployment = "enabled_for_template_deployment", "properties.enabledForTemplateDeployment";
    ExpiryTime = "expiry_time", "attributes.expiryTime";
    Filter = "$filter", "$filter";
    Folder = "folder", "folderToRestore";
    Force = "force", "force";
    Format = "format", "format";
    From = "from", "from";
    GroupIds = "group_ids", "group_ids";
    Hsm = "hsm", "hsm";
    IncludePending = "include_pending", "includePending";
    Issuer = "issuer", "issuer";
    IssuerAccountId = "issuer.credentials.account_id", "credentials.account_id";
    IssuerId = "issuer_id", "issuer";
    IssuerProvider = "issuer.provider", "provider";
    Items = "items", "items";
    Iv = "iv", "iv";
    Key = "key", "key";
    KeyCrv = "key.crv", "key.crv";
    KeyD = "key.d", "key.d";
    KeyDp = "key.dp", "key.dp";
    KeyDq = "key.dq", "key.dq";
    KeyE = "key.e", "key.e";
    KeyId = "key_id", "key_id";
    KeyK = "key.k", "key.k";
    KeyKty = "key.kty", "key.kty";
    KeyN = "key.n", "key.n";
    KeyOps = "key_ops", "key_ops";
    KeyP = "key.p", "key.p";
    KeyQ = "key.q", "key.q";
    KeyQi = "key.qi", "key.qi";
    KeySize = "key_size", "key_size";
    KeyX = "key.x", "key.x";
    KeyY = "key.y", "key.y";
    Kty = "kty", "kty";
    Label = "label", "label";
    LifetimeActions = "lifetime_actions", "lifetimeActions";
    LifetimeActionsAction = "lifetime_actions.action", "lifetimeActions.action.type";
    LifetimeActionsTimeAfterCreate = "lifetime_actions.time_after_create", "lifetimeActions.trigger.timeAfterCreate";
    LifetimeActionsTimeBeforeExpiry = "lifetime_actions.time_before_expiry", "lifetimeActions.trigger.timeBeforeExpiry";
    Location = "location", "location";
    ManagedHsm = "managed_hsm", "managed_hsm";
    ManagedHsmId = "managed_hsm_id", "managed_hsm_id";
    ManagedHsmName = "managed_hsm.name", "managed_hsm.name";
    MaxResults = "maxresults", "maxresults";
    Name = "name", "name";
    NetworkBypass = "network.bypass", "properties.networkAcls.bypass";
    NetworkDefaultAction = "network.default_action", "properties.networkAcls.defaultAction";
    NetworkIpRules = "network.ip_rules", "properties.networkAcls.ipRules";
    NetworkPublicNetworkAccess = "network.public_network_access", "properties.publicNetworkAccess";
    NoKeyOps = "no_key_ops", "no_key_ops";
    Object = "object", "object";
    OutContentType = "outContentType", "outContentType";
    PageSize = "page_size", "maxresults";
    PageToken = "page_token", "$skiptoken";
    Parent = "parent", "parent";
    Password = "password", "pwd";
    Period = "period", "period";
    Plaintext = "plaintext", "value";
    Plan = "plan", "plan";
    Policy = "policy", "policy";
    PolicyEkus = "policy.x509.ekus", "policy.x509_props.ekus";
    PolicyIssuer = "policy.issuer", "policy.issuer";
    PolicyIssuerName = "policy.issuer.name", "policy.issuer.name";
    PolicyKeyCrv = "policy.key.crv", "policy.key_props.crv";
    PolicyKeyExportable = "policy.key.exportable", "policy.key_props.exportable";
    PolicyKeyKty = "policy.key.kty", "policy.key_props.kty";
    PolicyKeySize = "policy.key.key_size", "policy.key_props.key_size";
    PolicyKeyUsage = "policy.x509.key_usage", "policy.x509_props.key_usage";
    PolicyLifetimeActions = "policy.lifetime_actions", "policy.lifetime_actions";
    PolicyLifetimeActionsAction = "policy.lifetime_actions.action", "policy.lifetime_actions.action.action_type";
    PolicyLifetimeActionsDaysBeforeExpiry = "policy.lifetime_actions.days_before_expiry", "policy.lifetime_actions.trigger.days_before_expiry";
    PolicyLifetimeActionsLifetimePercentage = "policy.lifetime_actions.lifetime_percentage", "policy.lifetime_actions.trigger.lifetime_percentage";
    PolicyLifetimeActionsTrigger = "policy.lifetime_actions.trigger", "policy.lifetime_actions.trigger";
    PolicySans = "policy.x509.sans", "policy.x509_props.sans";
    PolicySansDnsNames = "policy.x509.sans.dns_names", "policy.x509_props.sans.dns_names";
    PolicySansEmails = "policy.x509.sans.emails", "policy.x509_props.sans.emails";
    PolicySansIpAddresses = "policy.x509.sans.ip_addresses", "policy.x509_props.sans.ipAddresses";
    PolicySansUpns = "policy.x509.sans.upns", "policy.x509_props.sans.upns";
    PolicySansUris = "policy.x509.sans.uris", "policy.x509_props.sans.uris";
    PolicySecretContentType = "policy.secret.content_type", "policy.secret_props.contentType";
    PolicySubject = "policy.x509.subject", "policy.x509_props.subject";
    PolicyValidityMonths = "policy.x509.validity_months", "policy.x509_props.validity_months";
    PrincipalId = "principal_id", "properties.principalId";
    PropertiesCreateMode = "properties.createMode", "properties.createMode";
    PropertiesEnableSoftDelete = "properties.enableSoftDelete", "properties.enableSoftDelete";
    PropertiesKty = "properties.kty", "properties.kty";
    PropertiesRoleDefinitionId = "properties.roleDefinitionId", "properties.roleDefinitionId";
    PropertiesValue = "properties.value", "properties.value";
    PublicExponent = "public_exponent", "public_exponent";
    PurgeProtection = "purge_protection", "properties.enablePurgeProtection";
    Quorum = "quorum", "required";
    RbacAuthorization = "rbac_authorization", "properties.enableRbacAuthorization";
    Request = "request", "request";
    RequestId = "request_id", "request_id";
    ResourceGroup = "resource_group", "resource_group";
    ResourceGroupId = "resource_group_id", "resource_group_id";
    RestoreBlob = "restore_blob", "value";
    ResumeToken = "resume_token", "resume_token";
    RetentionDays = "retention_days", "properties.softDeleteRetentionInDays";
    RoleAssignmentId = "role_assignment_id", "role_assignment_id";
    RoleDefinition = "role_definition", "properties.roleDefinitionId";
    RoleDefinitionAssignableScopes = "role_definition.assignable_scopes", "properties.assignableScopes";
    RoleDefinitionId = "role_definition_id", "role_definition_id";
    RoleDefinitionPermissions = "role_definition.permissions", "properties.permissions";
    RoleDefinitionRoleName = "role_definition.role_name", "properties.roleName";
    Scope = "scope", "scope";
    Secret = "secret", "name";
    SecretId = "secret_id", "name";
    Sku = "sku", "sku.name";
    SkuFamily = "sku.family", "sku.family";
    SoftDelete = "soft_delete", "";
    Storage = "storage", "storageResourceUri";
    StorageUri = "storage.uri", "storageResourceUri";
    Subscription = "subscription", "subscription";
    Tag = "tag", "tag";
    Tags = "tags", "tags";
    Target = "target", "target";
    TenantId = "tenant_id", "properties.tenantId";
    To = "to", "to";
    Token = "storage.token", "token";
    Top = "$top", "$top";
    Type = "type", "type";
    Undeletable = "undeletable", "undeletable";
    UpdateMask = "update_mask", "update_mask";
    Value = "value", "value";
    ValueAsRecorded = "value", "";
    Vault = "vault", "vault";
    VaultId = "vault_id", "vault_id";
    VaultName = "vault.name", "vault.name";
    VaultRetentionDays = "vault.retention_days", "";
    Version = "version", "version";
    VirtualNetworkRules = "virtual_network_rules", "properties.networkAcls.virtualNetworkRules";
    WrappedKey = "wrapped_key", "value";
    X5c = "x5c", "x5c";
}

impl std::fmt::Display for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.path())
    }
}

/// A value that a field cannot have. Parsers return it; it is the [`Invalid`](super::Error::Invalid) error of a call.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field}: {why}")]
pub struct InvalidValue {
    /// The field.
    pub field: Field,
    /// Why the value is invalid.
    pub why: String,
}

impl InvalidValue {
    pub(super) fn new(field: Field, why: impl Into<String>) -> Self {
        Self { field, why: why.into() }
    }
}

/// Shortens text from a caller to 64 characters before it is quoted in errors and logs.
pub fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(64).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_distinct_paths() {
        // Another field with the path of `Value` has messages that are complete on Azure's surfaces.
        let named = || Field::NAMED.iter().filter(|field| **field != Field::ValueAsRecorded);
        let paths: std::collections::BTreeSet<_> = named().map(|field| field.path()).collect();
        assert_eq!(paths.len(), named().count());
        assert!(Field::NAMED.iter().all(|field| !field.path().is_empty()));
    }
}

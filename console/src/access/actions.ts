import type { ActionNames } from "./verdict.js";

/** The data actions of the operations that the console offers. */
export const ACTIONS = {
  keyCreate: { hsm: "keys/create", vault: "keys/create" },
  keyImport: { hsm: "keys/import", vault: "keys/import" },
  keyUpdate: { hsm: "keys/write", vault: "keys/update" },
  keyRotate: { hsm: "keys/rotate", vault: "keys/rotate" },
  keyPolicy: { hsm: "keys/write", vault: "keys/setrotationpolicy" },
  keyDelete: { hsm: "keys/delete", vault: "keys/delete" },
  keyRecover: { hsm: "keys/deletedKeys/recover", vault: "keys/recover" },
  keyPurge: { hsm: "keys/deletedKeys/delete", vault: "keys/purge" },
  sign: { hsm: "keys/sign", vault: "keys/sign" },
  verify: { hsm: "keys/verify", vault: "keys/verify" },
  encrypt: { hsm: "keys/encrypt", vault: "keys/encrypt" },
  decrypt: { hsm: "keys/decrypt", vault: "keys/decrypt" },
  backupStart: { hsm: "backup/start" },
  restoreStart: { hsm: "restore/start" },
  domainDownload: { hsm: "securitydomain/download" },
  domainUpload: { hsm: "securitydomain/upload" },
  transferKeyRead: { hsm: "securitydomain/transferkey/read" },
  secretSet: { vault: "secrets/set" },
  secretGet: { vault: "secrets/get" },
  secretUpdate: { vault: "secrets/update" },
  secretDelete: { vault: "secrets/delete" },
  secretRecover: { vault: "secrets/recover" },
  secretPurge: { vault: "secrets/purge" },
  certificateCreate: { vault: "certificates/create" },
  certificateImport: { vault: "certificates/import" },
  certificateUpdate: { vault: "certificates/update" },
  certificateDelete: { vault: "certificates/delete" },
  certificateRecover: { vault: "certificates/recover" },
  certificatePurge: { vault: "certificates/purge" },
} as const satisfies Record<string, ActionNames>;

/** The actions of the control plane. */
export const CONTROL = {
  hsmWrite: "Microsoft.KeyVault/managedHSMs/write",
  hsmDelete: "Microsoft.KeyVault/managedHSMs/delete",
  hsmPurge: "Microsoft.KeyVault/locations/deletedManagedHsms/purge/action",
  vaultWrite: "Microsoft.KeyVault/vaults/write",
  vaultDelete: "Microsoft.KeyVault/vaults/delete",
  policyWrite: "Microsoft.KeyVault/vaults/accessPolicies/write",
  vaultPurge: "Microsoft.KeyVault/locations/deletedVaults/purge/action",
  budgetWrite: "Microsoft.Consumption/budgets/write",
  budgetDelete: "Microsoft.Consumption/budgets/delete",
  assignmentWrite: "Microsoft.Authorization/roleAssignments/write",
  assignmentDelete: "Microsoft.Authorization/roleAssignments/delete",
} as const;

/** The columns of the access matrix: what principals usually need to be told apart by. */
export const MATRIX = {
  hsm: [
    "keys/read", "keys/create", "keys/write", "keys/rotate", "keys/delete", "keys/sign", "keys/verify", "keys/encrypt", "keys/decrypt",
    "keys/wrap", "keys/unwrap", "keys/deletedKeys/read", "keys/deletedKeys/recover", "keys/deletedKeys/delete", "keys/backup",
    "roleAssignments/read", "roleAssignments/write", "backup/start", "restore/start", "securitydomain/download", "settings/write",
  ],
  vault: [
    "keys/get", "keys/create", "keys/sign", "keys/decrypt", "keys/delete", "keys/purge", "secrets/list", "secrets/get", "secrets/set",
    "secrets/delete", "secrets/purge", "certificates/get", "certificates/create", "certificates/update", "certificates/delete",
    "certificates/purge",
  ],
  control: [
    "Microsoft.KeyVault/managedHSMs/read", CONTROL.hsmWrite, CONTROL.hsmDelete, CONTROL.hsmPurge, "Microsoft.KeyVault/vaults/read",
    CONTROL.vaultWrite, CONTROL.vaultDelete, CONTROL.vaultPurge, "Microsoft.CostManagement/query/read", CONTROL.budgetWrite,
    "Microsoft.Authorization/roleAssignments/read", CONTROL.assignmentWrite, "Microsoft.Resources/subscriptions/resourceGroups/write",
  ],
} as const;

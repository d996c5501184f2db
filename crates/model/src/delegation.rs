//! Roles that may delegate some roles only.
//!
//! Azure states this as a condition of the role definition. Conditions are not evaluated in general: the one that a built-in role has
//! is known here, and custom roles have none.

use uuid::Uuid;

/// *Key Vault Data Access Administrator*.
const DATA_ACCESS_ADMINISTRATOR: Uuid = Uuid::from_u128(0x8b54_135c_b56d_4d72_a534_2609_7cfd_c8d8);

/// The roles that *Key Vault Data Access Administrator* may delegate.
///
/// Source: the condition of the role in "Azure built-in roles for Security" of Azure's documentation.
const DATA_ACCESS_ROLES: [Uuid; 8] = [
    // Key Vault Administrator.
    Uuid::from_u128(0x0048_2a5a_887f_4fb3_b363_3b7f_e8e7_4483),
    // Key Vault Certificates Officer.
    Uuid::from_u128(0xa441_7e6f_fecd_4de8_b567_7b04_2055_6985),
    // Key Vault Crypto Officer.
    Uuid::from_u128(0x14b4_6e9e_c2b7_41b4_b07b_48a6_ebf6_0603),
    // Key Vault Crypto Service Encryption User.
    Uuid::from_u128(0xe147_488a_f6f5_4113_8e2d_b224_65e6_5bf6),
    // Key Vault Crypto User.
    Uuid::from_u128(0x1233_8af0_0e69_4776_bea7_57ae_8d29_7424),
    // Key Vault Reader.
    Uuid::from_u128(0x2109_0545_7ca7_4776_b22c_e363_652d_74d2),
    // Key Vault Secrets Officer.
    Uuid::from_u128(0xb86a_8fe4_44ce_4948_aee5_eccb_2c15_5cd7),
    // Key Vault Secrets User.
    Uuid::from_u128(0x4633_458b_17de_408a_b874_0445_c86b_69e6),
];

/// Returns the roles that a role may assign, and whose assignments it may delete, if it has the actions to do so at all; `None` for
/// every role.
pub fn delegable_roles(role_definition: Uuid) -> Option<&'static [Uuid]> {
    (role_definition == DATA_ACCESS_ADMINISTRATOR).then_some(&DATA_ACCESS_ROLES[..])
}

/// Whether a role may assign another one, and delete its assignments, if it has the actions to do so at all.
pub fn may_delegate(role_definition: Uuid, delegated: Uuid) -> bool {
    delegable_roles(role_definition).is_none_or(|roles| roles.contains(&delegated))
}

//! One file per operation: what it does, what it refuses, what it leaves behind.

mod check_access;
mod create_role_assignment;
mod delete_key;
mod delete_role_assignment;
mod delete_role_definition;
mod get_role_assignment;
mod get_role_definition;
mod list_role_assignments;
mod list_role_definitions;
mod put_role_definition;

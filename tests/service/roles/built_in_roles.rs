//! The built-in roles as recorded from Azure, and a simulator with a principal for each.
//!
//! Parsed independently of the program's own types, which are under test.

use std::collections::BTreeSet;

use crate::support::Server;

/// A principal, and the data actions that its recorded role grants.
pub(super) struct RoleHolder {
    /// The name of the role, or a label of a principal without a role.
    pub(super) role: String,
    /// The name of the principal.
    pub(super) principal: String,
    /// Its object id.
    pub(super) object_id: String,
    /// The full names of the granted data actions.
    pub(super) granted: BTreeSet<String>,
}

/// A built-in role.
pub(super) struct Role {
    pub(super) name: String,
    pub(super) granted: BTreeSet<String>,
}

/// Returns the built-in roles, in the recorded order.
pub(super) fn roles() -> Vec<Role> {
    let recorded: serde_json::Value =
        serde_json::from_str(include_str!("../../../hsm-config/roles.json")).unwrap();
    let role = |definition: &serde_json::Value| {
        let properties = &definition["properties"];
        let mut granted = BTreeSet::new();
        for permission in properties["permissions"].as_array().unwrap() {
            // Exclusions are not evaluated here.
            assert_eq!(permission["notDataActions"].as_array().unwrap().len(), 0);
            for action in permission["dataActions"].as_array().unwrap() {
                let action = action.as_str().unwrap();
                assert!(!action.contains('*'), "{action}");
                granted.insert(action.to_owned());
            }
        }
        Role { name: properties["roleName"].as_str().unwrap().to_owned(), granted }
    };
    recorded["value"].as_array().unwrap().iter().map(role).collect()
}

/// Starts a simulator with the built-in seed and one more principal for every built-in role.
pub(super) fn server() -> (Server, Vec<RoleHolder>) {
    let mut seed = include_str!("../../../hsm-config/dev.toml").to_owned();
    let mut holders = Vec::new();
    for (number, Role { name: role, granted }) in roles().into_iter().enumerate() {
        let principal = format!("only {role}");
        let object_id = format!("0b1ec700-0000-4000-8000-{number:012}");
        let client_id = format!("c11e0700-0000-4000-8000-{number:012}");
        seed += &format!(
            "\n[[principal]]\nname = {principal:?}\nobject_id = {object_id:?}\nclient_id = {client_id:?}\n\
             roles = [{role:?}]\n"
        );
        holders.push(RoleHolder { role, principal, object_id, granted });
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("seed.toml");
    std::fs::write(&file, seed).unwrap();
    let server =
        Server::start_in(directory, &[], &[("STRONGROOM_SIMULATOR__SEED_FILE", file.to_str().unwrap())]);
    // ARM roles in the subscription grant no access to keys.
    for name in ["owner", "contributor", "reader", "nobody"] {
        holders.push(RoleHolder {
            role: format!("none ({name})"),
            principal: name.to_owned(),
            object_id: server.principal(name).object_id,
            granted: BTreeSet::new(),
        });
    }
    (server, holders)
}

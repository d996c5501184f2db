//! The records of a full backup.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::key_record::KeyRecord;
use crate::model::Timestamp;
use crate::model::local_rbac::{RoleAssignment, RoleDefinition};
use crate::model::name::HsmName;
use crate::model::setting::Settings;

/// A record of a full backup. The first is the header, the last one the end.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// Whose backup it is.
    Header(ArchiveHeader),
    /// The settings of the HSM.
    Settings(Settings),
    /// A custom role definition.
    RoleDefinition(RoleDefinition),
    /// A role assignment.
    RoleAssignment(RoleAssignment),
    /// A key, live or deleted.
    Key(Box<KeyRecord>),
    /// The numbers of records.
    End(Counts),
}

/// Whose backup it is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ArchiveHeader {
    /// The name of the HSM.
    pub hsm: HsmName,
    /// Its identifier.
    pub hsm_id: Uuid,
    /// The time of the state in the backup.
    pub at: Timestamp,
}

/// The numbers of records.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Keys.
    pub keys: u64,
    /// Role definitions and assignments.
    pub roles: u64,
}

impl Counts {
    /// Counts a record.
    pub fn add(&mut self, record: &Record) {
        match record {
            Record::Key(_) => self.keys += 1,
            Record::RoleDefinition(_) | Record::RoleAssignment(_) => self.roles += 1,
            Record::Header(_) | Record::Settings(_) | Record::End(_) => {}
        }
    }
}

//! One file per operation: what it does, what it refuses, what it leaves behind.

mod delete_key;

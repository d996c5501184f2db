//! `doctor` (waits for the token)

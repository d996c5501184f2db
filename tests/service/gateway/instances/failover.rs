//! Failover of the database to a standby that replicates it by streaming.

use super::super::fixture::{ADMIN, MACHINE};
use super::super::{HSM, assign_crypto_user_of};
use super::kit::{Instances, create, delete, revoke, set_enabled, sign, state};
use crate::calls::refusal;

#[tokio::test]
async fn promoted_standby_has_all_that_was_acknowledged() {
    let mut all = Instances::start(2);
    let mut admins = all.clients(ADMIN).await;
    assign_crypto_user_of(HSM, &mut admins[0], ADMIN).await;
    all.database.add_standby();
    for name in ["live", "disabled", "deleted"] {
        create(&mut admins[0], name).await.unwrap();
    }
    assign_crypto_user_of(HSM, &mut admins[1], MACHINE).await;
    let mut machines = all.clients(MACHINE).await;
    sign(&mut machines[0], "live").await.unwrap();
    set_enabled(&mut admins[1], "disabled", false).await.unwrap();
    delete(&mut admins[0], "deleted").await.unwrap();
    revoke(&mut admins[1], MACHINE).await;
    // The last answer comes at most a moment before the end of the primary.
    create(&mut admins[1], "last").await.unwrap();
    all.database.script("kill");
    let refused = refusal(sign(&mut admins[0], "live").await).1;
    assert!(refused.starts_with("STORAGE_"), "{refused}");
    all.database.promote();
    all.until_all_serve(ADMIN, "failover").await;
    for instance in 0..2 {
        let admin = &mut admins[instance];
        assert_eq!(state(admin, "live").await, "LIVE");
        assert_eq!(state(admin, "last").await, "LIVE");
        assert_eq!(state(admin, "disabled").await, "KEY_DISABLED");
        assert_eq!(state(admin, "deleted").await, "KEY_NOT_FOUND");
        assert_eq!(refusal(sign(&mut machines[instance], "live").await).1, "ACTION_NOT_GRANTED");
    }
    set_enabled(&mut admins[0], "disabled", true).await.unwrap();
    assert_eq!(state(&mut admins[1], "disabled").await, "LIVE");
    all.stop_all();
    all.verify_audit_files();
}

//! Tests several gateways over one database of PostgreSQL and one token: all of them tell the same, whichever is asked, and any of them
//! may die.

mod checker;
mod cuts;
mod elsewhere;
mod failover;
mod history;
mod kit;
mod load;
mod logs;
mod metrics;
mod proxy;
mod upgrade;

use strongroom::api::grpc::pb;
use tonic::Code;

use super::fixture::{ADMIN, MACHINE};
use super::{HSM, assign_crypto_user_of};
use crate::calls::refusal;
use kit::{Instances, create, delete, key, revoke, set_enabled, sign};

#[tokio::test]
async fn what_one_instance_acknowledges_holds_on_all_at_once() {
    let mut all = Instances::start(3);
    let mut admins = all.clients(ADMIN).await;
    let mut machines = all.clients(MACHINE).await;
    assign_crypto_user_of(HSM, &mut admins[0], ADMIN).await;
    for round in 0..12 {
        let (here, there, third) = (round % 3, (round + 1) % 3, (round + 2) % 3);
        let name = format!("key-{round}");
        // Each call is made at once after the answer to the one before it, which another instance gave.
        create(&mut admins[here], &name).await.unwrap();
        admins[there].keys.get_key(pb::GetKeyRequest { name: key(&name) }).await.unwrap();
        sign(&mut admins[third], &name).await.unwrap();

        let denied = refusal(sign(&mut machines[there], &name).await);
        assert_eq!(denied, (Code::PermissionDenied, "ACTION_NOT_GRANTED".to_owned()));
        assign_crypto_user_of(HSM, &mut admins[here], MACHINE).await;
        for machine in [there, third, here] {
            sign(&mut machines[machine], &name).await.unwrap();
        }
        revoke(&mut admins[third], MACHINE).await;
        for machine in [here, there, third] {
            let denied = refusal(sign(&mut machines[machine], &name).await);
            assert_eq!(denied.1, "ACTION_NOT_GRANTED", "round {round}");
        }

        set_enabled(&mut admins[there], &name, false).await.unwrap();
        for admin in [here, third, there] {
            let refused = refusal(sign(&mut admins[admin], &name).await);
            assert_eq!(refused.1, "KEY_DISABLED", "round {round}");
        }
        set_enabled(&mut admins[third], &name, true).await.unwrap();
        sign(&mut admins[here], &name).await.unwrap();
        delete(&mut admins[there], &name).await.unwrap();
        for admin in [third, here, there] {
            let refused = refusal(sign(&mut admins[admin], &name).await);
            assert_eq!(refused.1, "KEY_NOT_FOUND", "round {round}");
        }
        // A name that is taken anywhere is taken.
        assert_eq!(create(&mut admins[third], &name).await.unwrap_err().code(), Code::AlreadyExists);
    }
    all.stop_all();
    all.verify_audit_files();
}

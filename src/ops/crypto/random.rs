//! Returns random bytes from the token's random number generator.

use crate::model::audit_entry::Meter;
use crate::model::container::ContainerId;
use crate::model::local_rbac::DataAction;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{Cx, Done, Operation, WholeContainer};

/// Generates random bytes.
#[derive(Clone, Debug)]
pub struct GenerateRandomBytes {
    /// The container.
    pub container: ContainerId,
    /// The number of bytes: 1 to 128.
    pub count: i32,
}

impl Operation for GenerateRandomBytes {
    const NAME: &'static str = "GenerateRandomBytes";
    const EVENT: &'static str = "RandomBytesGet";
    const ACTION: DataAction = DataAction::RandomBytes;
    const METER: Meter = Meter::Cryptographic;
    type Target = WholeContainer;
    type Reply = Vec<u8>;

    fn target(&self) -> ContainerId {
        self.container.clone()
    }

    fn check(&self, _: &WholeContainer, _: Timestamp) -> Result<()> {
        if (1..=128).contains(&self.count) {
            Ok(())
        } else {
            Err(Error::invalid(Field::Count, "count must be 1 to 128"))
        }
    }

    async fn execute(self, _: WholeContainer, cx: &Cx) -> Result<Done<Vec<u8>>> {
        let count = usize::try_from(self.count).map_err(Error::internal)?;
        Ok(Done::reply(cx.token()?.random(count).await?))
    }
}

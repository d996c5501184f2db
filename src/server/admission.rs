//! Which connections are served: how many in all and how many of one address, and which of them end early for others.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How long an address is remembered from which a request was authenticated.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// How many such addresses are remembered.
const ADDRESSES: usize = 4096;

/// How many connections are served at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Capacity {
    /// In all.
    pub(super) connections: usize,
    /// Of them, those that only known addresses get.
    pub(super) reserved: usize,
    /// Of one address.
    pub(super) per_address: usize,
}

/// Decides which connections are served. Addresses are networks as [`crate::config::network_of`] gives them.
///
/// A connection on which no request was authenticated yet ends when its slot is needed by another one: by one of its own
/// address where that has too many, and else by any. So callers without a credential cannot prevent those who have one
/// from connecting, even from the same address.
#[derive(Debug)]
pub(super) struct Admission {
    capacity: Capacity,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// All that are served.
    served: HashMap<u64, IpAddr>,
    /// How many of each address.
    of_address: HashMap<IpAddr, usize>,
    /// Those on which no request was authenticated, the oldest first.
    unauthenticated: BTreeMap<u64, (IpAddr, CancellationToken)>,
    /// Addresses from which a request was authenticated, and when.
    known: HashMap<IpAddr, Instant>,
}

/// One of the connections that are served, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    admission: Arc<Admission>,
    id: u64,
    address: IpAddr,
    /// Cancelled when another connection gets the slot.
    pub(super) needed: CancellationToken,
}

impl Admission {
    /// Nothing is served yet.
    pub(super) fn new(capacity: Capacity) -> Arc<Self> {
        Arc::new(Self { capacity, state: Mutex::default(), freed: Notify::new() })
    }

    /// A slot for a connection from this address; waits until there is one, but no longer than `patience`.
    pub(super) async fn slot(self: &Arc<Self>, address: IpAddr, patience: Duration) -> Option<Slot> {
        let granted = async {
            loop {
                let mut freed = std::pin::pin!(self.freed.notified());
                freed.as_mut().enable();
                if let Some(slot) = self.try_slot(address) {
                    return slot;
                }
                freed.await;
            }
        };
        tokio::time::timeout(patience, granted).await.ok()
    }

    /// A slot, if there is one.
    pub(super) fn try_slot(self: &Arc<Self>, address: IpAddr) -> Option<Slot> {
        let Capacity { connections, reserved, per_address } = self.capacity;
        let mut state = self.state();
        let is_known = state.is_known(&address);
        if state.of_address.get(&address).is_some_and(|served| *served >= per_address)
            && !state.end_oldest(|_, of| *of == address)
        {
            return None;
        }
        let room = if is_known { connections } else { connections - reserved };
        if state.served.len() >= room {
            // Connections of known addresses end for other known ones only, and after those of unknown ones.
            let ended = state.end_oldest(|state, of| !state.is_known(of))
                || (is_known && state.end_oldest(|_, _| true));
            if !ended {
                return None;
            }
        }
        let needed = CancellationToken::new();
        let id = state.next;
        state.next += 1;
        state.served.insert(id, address);
        *state.of_address.entry(address).or_default() += 1;
        state.unauthenticated.insert(id, (address, needed.clone()));
        Some(Slot { admission: Arc::clone(self), id, address, needed })
    }

    /// Whether a request from this address was authenticated lately.
    pub(super) fn is_known(&self, address: IpAddr) -> bool {
        self.state().is_known(&address)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_known(&self, address: &IpAddr) -> bool {
        self.known.get(address).is_some_and(|since| since.elapsed() < REMEMBERED)
    }

    /// Ends the oldest connection without an authenticated request that is meant; false if there is none.
    fn end_oldest(&mut self, meant: impl Fn(&Self, &IpAddr) -> bool) -> bool {
        let oldest = self.unauthenticated.iter().find(|(_, (address, _))| meant(self, address));
        let Some((&id, (_, needed))) = oldest else { return false };
        needed.cancel();
        self.remove(id);
        true
    }

    fn remove(&mut self, id: u64) -> bool {
        self.unauthenticated.remove(&id);
        let Some(address) = self.served.remove(&id) else { return false };
        if let Some(served) = self.of_address.get_mut(&address) {
            *served -= 1;
            if *served == 0 {
                self.of_address.remove(&address);
            }
        }
        true
    }

    fn remember(&mut self, address: IpAddr) {
        if self.known.len() >= ADDRESSES && !self.known.contains_key(&address) {
            let longest = self.known.iter().min_by_key(|(_, since)| **since);
            if let Some(longest) = longest.map(|(address, _)| *address) {
                self.known.remove(&longest);
            }
        }
        self.known.insert(address, Instant::now());
    }
}

impl Slot {
    /// A request of this connection was authenticated: nothing else gets its slot, and its address is known.
    pub(super) fn authenticated(&self) {
        let mut state = self.admission.state();
        state.unauthenticated.remove(&self.id);
        state.remember(self.address);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.admission.state().remove(self.id) {
            self.admission.freed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(connections: usize, reserved: usize, per_address: usize) -> Arc<Admission> {
        Admission::new(Capacity { connections, reserved, per_address })
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn an_address_with_too_many_connections_loses_its_oldest_unauthenticated_one() {
        let admission = admission(10, 0, 2);
        let first = admission.try_slot(address(1)).unwrap();
        let second = admission.try_slot(address(1)).unwrap();
        first.authenticated();
        let third = admission.try_slot(address(1)).unwrap();
        assert!(!first.needed.is_cancelled() && second.needed.is_cancelled());
        third.authenticated();
        assert!(admission.try_slot(address(1)).is_none());
        let other = admission.try_slot(address(2)).unwrap();
        // The one that ended is not counted twice.
        drop(second);
        assert_eq!(admission.state().served.len(), 3);
        drop((first, third, other));
        assert!(admission.state().served.is_empty() && admission.state().of_address.is_empty());
    }

    #[test]
    fn reserved_slots_are_for_addresses_that_authenticated_before() {
        let admission = admission(4, 1, 4);
        admission.try_slot(address(1)).unwrap().authenticated();
        let others: Vec<_> = (0..3).map(|_| admission.try_slot(address(2)).unwrap()).collect();
        let fourth = admission.try_slot(address(3)).unwrap();
        assert!(others[0].needed.is_cancelled(), "an unknown address does not get the reserve");
        let known = admission.try_slot(address(1)).unwrap();
        let again = admission.try_slot(address(1)).unwrap();
        assert!(others[1].needed.is_cancelled() && !known.needed.is_cancelled());
        drop((fourth, known, again));
    }

    #[tokio::test]
    async fn where_all_are_authenticated_the_next_one_waits() {
        let admission = admission(1, 0, 1);
        let first = admission.try_slot(address(1)).unwrap();
        first.authenticated();
        assert!(admission.slot(address(2), Duration::from_millis(20)).await.is_none());
        let waiting = tokio::spawn({
            let admission = Arc::clone(&admission);
            async move { admission.slot(address(2), Duration::from_secs(10)).await.is_some() }
        });
        tokio::task::yield_now().await;
        drop(first);
        assert!(waiting.await.unwrap());
    }
}

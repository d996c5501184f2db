//! Admission control of connections: limits in total and per address, and reclaiming of unauthenticated connections.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::refusals::{self, Reason};

/// How long an address is known after an authenticated request from it.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// The maximum number of known addresses.
const ADDRESSES: usize = 4096;

/// The limits of concurrent connections.
#[derive(Clone, Copy, Debug)]
pub(super) struct Capacity {
    /// In total.
    pub(super) connections: usize,
    /// The part of `connections` that is reserved for known addresses.
    pub(super) reserved: usize,
    /// Per address.
    pub(super) per_address: usize,
}

/// Allocates slots to connections. Addresses are networks as returned by [`crate::config::network_of`].
///
/// The slot of a connection without an authenticated request is reclaimed when another connection needs it: one of the
/// same address if that has reached its limit, otherwise any. So unauthenticated clients cannot prevent authenticated
/// ones from connecting, even from the same address.
#[derive(Debug)]
pub(in crate::server) struct Admission {
    capacity: Capacity,
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// The addresses of all connections with a slot.
    served: HashMap<u64, IpAddr>,
    /// The number of connections per address.
    of_address: HashMap<IpAddr, usize>,
    /// The connections without an authenticated request, the oldest first.
    unauthenticated: BTreeMap<u64, (IpAddr, CancellationToken)>,
    /// The addresses from which a request was authenticated, and when.
    known: HashMap<IpAddr, Instant>,
}

/// The slot of a connection, released on drop.
#[derive(Debug)]
pub(super) struct Slot {
    admission: Arc<Admission>,
    id: u64,
    address: IpAddr,
    /// Cancelled when the slot is reclaimed for another connection.
    pub(super) reclaimed: CancellationToken,
}

/// The number of open connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::server) struct ConnectionCounts {
    /// Those with an authenticated request.
    pub(in crate::server) authenticated: usize,
    /// The others.
    pub(in crate::server) unauthenticated: usize,
    /// The maximum number of both.
    pub(in crate::server) limit: usize,
}

impl Admission {
    /// Counts the open connections.
    pub(in crate::server) fn counts(&self) -> ConnectionCounts {
        let state = self.state();
        let unauthenticated = state.unauthenticated.len();
        let authenticated = state.served.len().saturating_sub(unauthenticated);
        ConnectionCounts { authenticated, unauthenticated, limit: self.capacity.connections }
    }

    /// Creates admission control without connections.
    pub(super) fn new(capacity: Capacity) -> Arc<Self> {
        Arc::new(Self { capacity, state: Mutex::default(), freed: Notify::new() })
    }

    /// Allocates a slot for a connection from this address; waits at most `patience` for one.
    pub(super) async fn acquire(self: &Arc<Self>, address: IpAddr, patience: Duration) -> Option<Slot> {
        let allocated = async {
            loop {
                let mut freed = std::pin::pin!(self.freed.notified());
                freed.as_mut().enable();
                if let Some(slot) = self.try_acquire(address) {
                    return slot;
                }
                freed.await;
            }
        };
        tokio::time::timeout(patience, allocated).await.ok()
    }

    /// Allocates a slot, if one is available or can be reclaimed.
    pub(super) fn try_acquire(self: &Arc<Self>, address: IpAddr) -> Option<Slot> {
        let Capacity { connections, reserved, per_address } = self.capacity;
        let mut state = self.state();
        let is_known = state.is_known(&address);
        if state.of_address.get(&address).is_some_and(|served| *served >= per_address)
            && !state.reclaim_oldest(|_, of| *of == address)
        {
            return None;
        }
        let limit = if is_known { connections } else { connections - reserved };
        if state.served.len() >= limit {
            // Connections of known addresses are reclaimed only for known addresses, and after those of unknown ones.
            let reclaimed = state.reclaim_oldest(|state, of| !state.is_known(of))
                || (is_known && state.reclaim_oldest(|_, _| true));
            if !reclaimed {
                return None;
            }
        }
        let needed = CancellationToken::new();
        let id = state.next;
        state.next += 1;
        state.served.insert(id, address);
        *state.of_address.entry(address).or_default() += 1;
        state.unauthenticated.insert(id, (address, needed.clone()));
        Some(Slot { admission: Arc::clone(self), id, address, reclaimed: needed })
    }

    /// Whether a request from this address was authenticated recently.
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

    /// Reclaims the slot of the oldest unauthenticated connection that is eligible; returns false if there is none.
    fn reclaim_oldest(&mut self, is_eligible: impl Fn(&Self, &IpAddr) -> bool) -> bool {
        let oldest = self.unauthenticated.iter().find(|(_, (address, _))| is_eligible(self, address));
        let Some((&id, (_, needed))) = oldest else { return false };
        needed.cancel();
        refusals::record(Reason::Reclaimed);
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
    /// Registers an authenticated request: the slot can no longer be reclaimed, and the address is known.
    pub(super) fn mark_authenticated(&self) {
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
    fn reclaims_oldest_unauthenticated_slot_of_a_full_address() {
        let admission = admission(10, 0, 2);
        let first = admission.try_acquire(address(1)).unwrap();
        let second = admission.try_acquire(address(1)).unwrap();
        first.mark_authenticated();
        let third = admission.try_acquire(address(1)).unwrap();
        assert!(!first.reclaimed.is_cancelled() && second.reclaimed.is_cancelled());
        third.mark_authenticated();
        assert!(admission.try_acquire(address(1)).is_none());
        let other = admission.try_acquire(address(2)).unwrap();
        // A reclaimed slot is not released a second time.
        drop(second);
        assert_eq!(admission.state().served.len(), 3);
        drop((first, third, other));
        assert!(admission.state().served.is_empty() && admission.state().of_address.is_empty());
    }

    #[test]
    fn reserves_slots_for_addresses_that_authenticated_before() {
        let admission = admission(4, 1, 4);
        admission.try_acquire(address(1)).unwrap().mark_authenticated();
        let others: Vec<_> = (0..3).map(|_| admission.try_acquire(address(2)).unwrap()).collect();
        let fourth = admission.try_acquire(address(3)).unwrap();
        assert!(others[0].reclaimed.is_cancelled(), "an unknown address does not get a reserved slot");
        let known = admission.try_acquire(address(1)).unwrap();
        let again = admission.try_acquire(address(1)).unwrap();
        assert!(others[1].reclaimed.is_cancelled() && !known.reclaimed.is_cancelled());
        drop((fourth, known, again));
    }

    #[tokio::test]
    async fn waits_for_a_slot_if_all_are_authenticated() {
        let admission = admission(1, 0, 1);
        let first = admission.try_acquire(address(1)).unwrap();
        first.mark_authenticated();
        assert!(admission.acquire(address(2), Duration::from_millis(20)).await.is_none());
        let waiting = tokio::spawn({
            let admission = Arc::clone(&admission);
            async move { admission.acquire(address(2), Duration::from_secs(10)).await.is_some() }
        });
        tokio::task::yield_now().await;
        drop(first);
        assert!(waiting.await.unwrap());
    }
}

//! Bounds what unauthenticated callers add to the audit log.
//!
//! In each window so many refusals have a record of their own, for each address and in all; the others are counted and
//! told in one record when the window closes. Neither many refusals nor many addresses grow the table: an IPv6 network
//! of 64 bits, which one subscriber has, is one address, and addresses beyond the table's size are counted together.
//! Below the reserve of free space nothing is recorded until there is more again.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Engine;
use crate::audit::{self, Unrecorded};
use crate::model::Timestamp;
use crate::model::entry::{Meter, Origin};
use crate::store::{Commit, Record};

/// What the audit log calls the record of several refused calls.
const EVENT: &str = "UnauthenticatedCalls";

/// Addresses that are counted apart.
const ADDRESSES: usize = 4_096;

/// Addresses that have a record of their own when a window closes: those with the most calls.
const TOLD: usize = 32;

/// How often the free space is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What of a text is kept in the record of an unauthenticated call, in bytes.
const TEXT: usize = 128;

/// How much unauthenticated callers may add to the audit log.
#[derive(Clone, Debug)]
pub struct RefusalLimits {
    /// Refusals of one address with a record of their own in a window.
    pub per_address: u32,
    /// The same for all addresses together.
    pub in_all: u32,
    /// How long a window is.
    pub window: Duration,
    /// The free space, in bytes, below which nothing is recorded.
    pub reserve: u64,
    /// Where the space is: the directories of the database and of the audit log.
    pub directories: Vec<PathBuf>,
}

/// The refusals of the present window.
pub(super) struct Refusals {
    limits: RefusalLimits,
    state: Mutex<State>,
}

struct State {
    opened: Instant,
    recorded: u32,
    addresses: HashMap<IpAddr, Address>,
    /// All addresses that the table has no room for.
    others: Address,
    looked: Option<Instant>,
    short: bool,
}

/// The calls of one address in a window.
#[derive(Default)]
struct Address {
    recorded: u32,
    unrecorded: u64,
    /// How many of them got a token.
    issued: u64,
    /// When the first and the last of them came that have no record.
    period: Option<(Timestamp, Timestamp)>,
    /// What the first of them asked for, cut.
    request_uri: String,
}

impl Refusals {
    pub(super) fn new(limits: RefusalLimits) -> Self {
        let state = State {
            opened: Instant::now(),
            recorded: 0,
            addresses: HashMap::new(),
            others: Address::default(),
            looked: None,
            short: false,
        };
        Self { limits, state: Mutex::new(state) }
    }

    /// Whether this call has a record of its own; if not, it is counted. Cuts its texts if it has. `issued` says that
    /// it got a token, and was not refused.
    pub(super) fn admit(&self, origin: &mut Origin, at: Timestamp, issued: bool) -> bool {
        let mut state = self.state();
        let short = self.is_short(&mut state);
        let within = state.recorded < self.limits.in_all;
        let network = origin.address.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), network);
        let State { addresses, others, recorded, .. } = &mut *state;
        let full = addresses.len() >= ADDRESSES && !addresses.contains_key(&network);
        let address = if full { others } else { addresses.entry(network).or_default() };
        if !short && within && address.recorded < self.limits.per_address {
            address.recorded += 1;
            *recorded += 1;
            cut(&mut origin.client_info);
            cut(&mut origin.request_uri);
            return true;
        }
        if address.unrecorded == 0 {
            let uri = &origin.request_uri;
            uri[..uri.floor_char_boundary(TEXT)].clone_into(&mut address.request_uri);
        }
        address.unrecorded += 1;
        address.issued += u64::from(issued);
        address.period = Some((address.period.map_or(at, |(first, _)| first), at));
        false
    }

    /// Closes the window if its time is over, or `now` is, and gives what was counted in it.
    fn close(&self, now: bool) -> Vec<Unrecorded> {
        let mut state = self.state();
        if !now && state.opened.elapsed() < self.limits.window {
            return Vec::new();
        }
        // What is counted cannot be written now, and goes on being counted.
        if self.is_short(&mut state) {
            return Vec::new();
        }
        state.opened = Instant::now();
        state.recorded = 0;
        let mut rest = std::mem::take(&mut state.others);
        let mut counted: Vec<(IpAddr, Address)> =
            state.addresses.drain().filter(|(_, address)| address.unrecorded > 0).collect();
        drop(state);
        counted.sort_by(|(a, x), (b, y)| y.unrecorded.cmp(&x.unrecorded).then(a.cmp(b)));
        for (_, address) in counted.drain(counted.len().min(TOLD)..) {
            rest.add(&address);
        }
        let mut told: Vec<_> =
            counted.into_iter().map(|(network, address)| address.tell(shown(network))).collect();
        if rest.unrecorded > 0 {
            told.push(rest.tell("other addresses".to_owned()));
        }
        told
    }

    /// Whether there is too little space, looked at now and then.
    fn is_short(&self, state: &mut State) -> bool {
        if self.limits.reserve == 0 {
            return false;
        }
        if state.looked.is_some_and(|looked| looked.elapsed() < LOOK) {
            return state.short;
        }
        state.looked = Some(Instant::now());
        // Where it cannot be told how much there is, records are written as long as that works.
        let free =
            self.limits.directories.iter().filter_map(|directory| audit::free_bytes(directory).ok()).min();
        let short = free.is_some_and(|free| free < self.limits.reserve);
        if short != state.short {
            match short {
                true => tracing::error!(
                    free,
                    reserve = self.limits.reserve,
                    "little space is left: unauthenticated requests are refused without a record"
                ),
                false => tracing::warn!(free, "there is space again: unauthenticated requests are recorded"),
            }
        }
        state.short = short;
        short
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Address {
    fn add(&mut self, other: &Self) {
        if self.unrecorded == 0 {
            self.request_uri.clone_from(&other.request_uri);
        }
        self.unrecorded += other.unrecorded;
        self.issued += other.issued;
        self.period = match (self.period, other.period) {
            (Some((a, b)), Some((c, d))) => Some((a.min(c), b.max(d))),
            (own, other) => own.or(other),
        };
    }

    fn tell(self, address: String) -> Unrecorded {
        let (first, last) = self.period.unwrap_or_default();
        let Self { unrecorded: calls, issued, request_uri, .. } = self;
        Unrecorded { address, calls, issued, first, last, request_uri }
    }
}

impl Engine {
    /// Records what was counted of unauthenticated calls, if their window is over or `now` is true.
    pub async fn record_refusals(&self, now: bool) {
        for counted in self.0.refusals.close(now) {
            let at = self.0.clock.now();
            let record = Record {
                at,
                hsm: None,
                event: EVENT,
                meter: Meter::Free,
                version: None,
                body: audit::render_unrecorded(EVENT, at, &counted),
            };
            if let Err(error) =
                self.0.store.commit(Commit { record: Some(record), ..Commit::default() }).await
            {
                tracing::error!(
                    %error,
                    address = counted.address,
                    calls = counted.calls,
                    "refused unauthenticated calls could not be recorded"
                );
            }
        }
    }
}

/// What is counted as one address: an IPv4 address, or the first half of an IPv6 one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

fn shown(network: IpAddr) -> String {
    match network {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) if address.is_unspecified() => "unknown".to_owned(),
        IpAddr::V6(address) => format!("{address}/64"),
    }
}

fn cut(text: &mut String) {
    text.truncate(text.floor_char_boundary(TEXT));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusals(per_address: u32, in_all: u32, reserve: u64) -> Refusals {
        Refusals::new(RefusalLimits {
            per_address,
            in_all,
            window: Duration::from_secs(3_600),
            reserve,
            directories: vec![std::env::temp_dir()],
        })
    }

    fn call(refusals: &Refusals, address: &str) -> bool {
        let address = Some(address.parse().unwrap());
        let (client_info, request_uri) = ("é".repeat(300), "/a".repeat(300));
        let mut origin = Origin { address, client_info, request_uri, ..Origin::default() };
        let admitted = refusals.admit(&mut origin, Timestamp::UNIX_EPOCH, false);
        assert!(!admitted || origin.client_info.len() <= TEXT && origin.request_uri.len() <= TEXT);
        admitted
    }

    #[test]
    fn calls_beyond_the_limit_of_an_address_are_counted_in_one_record() {
        let refusals = refusals(3, 100, 0);
        let admitted = (0..10).filter(|_| call(&refusals, "192.0.2.1")).count();
        assert_eq!(admitted, 3);
        assert!(call(&refusals, "192.0.2.2"));
        assert!(refusals.close(false).is_empty(), "the window is still open");
        let told = refusals.close(true);
        assert_eq!(told.len(), 1);
        assert_eq!(
            (told[0].address.as_str(), told[0].calls, told[0].request_uri.len()),
            ("192.0.2.1", 7, TEXT)
        );
        assert!(refusals.close(true).is_empty());
        assert!(call(&refusals, "192.0.2.1"), "a new window has room again");
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let refusals = refusals(3, 100, 0);
        let admitted = (0..10).filter(|n| call(&refusals, &format!("2001:db8::{n:x}"))).count();
        assert_eq!(admitted, 3);
        assert!(call(&refusals, "2001:db8:0:1::1"));
        assert_eq!(refusals.close(true)[0].address, "2001:db8::/64");
        assert!(call(&refusals, "::ffff:192.0.2.1"));
        assert_eq!(refusals.state().addresses.keys().next(), Some(&"192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn many_addresses_grow_neither_the_table_nor_the_log() {
        let refusals = refusals(3, 50, 0);
        let addresses = (0..20_000_u32).map(|n| format!("2001:db8:{:x}:{:x}::1", n >> 8, n & 0xff));
        let admitted = addresses.filter(|address| call(&refusals, address)).count();
        assert_eq!(admitted, 50);
        assert_eq!(refusals.state().addresses.len(), ADDRESSES);
        let told = refusals.close(true);
        assert_eq!(told.len(), TOLD + 1);
        assert_eq!(told.iter().map(|told| told.calls).sum::<u64>(), 20_000 - 50);
        assert!(refusals.state().addresses.is_empty());
    }

    #[test]
    fn below_the_reserve_nothing_is_recorded_and_everything_is_counted() {
        let refusals = refusals(3, 50, u64::MAX);
        assert!(!call(&refusals, "192.0.2.1"));
        assert!(refusals.close(true).is_empty(), "the count cannot be written either");
        refusals.state().looked = None;
        let refusals =
            Refusals { limits: RefusalLimits { reserve: 0, ..refusals.limits }, state: refusals.state };
        assert_eq!(refusals.close(true)[0].calls, 1);
    }
}

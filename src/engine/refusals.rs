//! Limits the audit records that unauthenticated callers cause.
//!
//! In each window, a limited number of refusals per address and in total have their own record; the others are counted
//! in one record per address when the window closes. Memory is bounded: an IPv6 /64 network, which one subscriber has,
//! counts as one address, and addresses beyond the size of the table are counted together. While free space is below
//! the reserve, nothing is recorded.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Engine;
use crate::audit::{self, AggregatedCalls};
use crate::model::Timestamp;
use crate::model::audit_entry::{Meter, Origin};
use crate::store::{AuditRecord, Commit};

/// The `operationName` of the record of several refused calls.
const EVENT: &str = "UnauthenticatedCalls";

/// The maximum number of addresses counted separately.
const ADDRESSES: usize = 4_096;

/// The maximum number of addresses with their own record when a window closes: those with the most calls.
const REPORTED: usize = 32;

/// How often free space is checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// The maximum length of a text in the record of an unauthenticated call, in bytes.
const TEXT_LEN: usize = 128;

/// Limits on the audit records of unauthenticated calls.
#[derive(Clone, Debug)]
pub struct RefusalLimits {
    /// The maximum number of records per address in a window.
    pub per_address: u32,
    /// The maximum number of records of all addresses in a window.
    pub total: u32,
    /// The length of a window.
    pub window: Duration,
    /// The free space in bytes below which nothing is recorded.
    pub reserve: u64,
    /// The directories of the database and of the audit log, whose free space is checked.
    pub directories: Vec<PathBuf>,
}

/// The refusals in the current window.
pub(super) struct Refusals {
    limits: RefusalLimits,
    state: Mutex<State>,
}

struct State {
    opened: Instant,
    recorded: u32,
    addresses: HashMap<IpAddr, AddressCalls>,
    /// The calls of addresses beyond [`ADDRESSES`].
    others: AddressCalls,
    checked: Option<Instant>,
    short: bool,
}

/// The calls of one address in a window.
#[derive(Default)]
struct AddressCalls {
    recorded: u32,
    unrecorded: u64,
    /// How many of the unrecorded calls were issued an access token.
    issued: u64,
    /// When the first and the last unrecorded call arrived.
    period: Option<(Timestamp, Timestamp)>,
    /// The request URI of the first unrecorded call, truncated to [`TEXT_LEN`].
    request_uri: String,
}

impl Refusals {
    pub(super) fn new(limits: RefusalLimits) -> Self {
        let state = State {
            opened: Instant::now(),
            recorded: 0,
            addresses: HashMap::new(),
            others: AddressCalls::default(),
            checked: None,
            short: false,
        };
        Self { limits, state: Mutex::new(state) }
    }

    /// Whether this call has its own record; if so, truncates its texts, else counts it. `issued` says that the call was
    /// issued an access token instead of being refused.
    pub(super) fn should_record(&self, origin: &mut Origin, at: Timestamp, issued: bool) -> bool {
        let mut state = self.state();
        let short = self.is_short(&mut state);
        let within = state.recorded < self.limits.total;
        let network = origin.address.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), network);
        let State { addresses, others, recorded, .. } = &mut *state;
        let full = addresses.len() >= ADDRESSES && !addresses.contains_key(&network);
        let address = if full { others } else { addresses.entry(network).or_default() };
        if !short && within && address.recorded < self.limits.per_address {
            address.recorded += 1;
            *recorded += 1;
            truncate(&mut origin.client_info);
            truncate(&mut origin.request_uri);
            return true;
        }
        if address.unrecorded == 0 {
            let uri = &origin.request_uri;
            uri[..uri.floor_char_boundary(TEXT_LEN)].clone_into(&mut address.request_uri);
        }
        address.unrecorded += 1;
        address.issued += u64::from(issued);
        address.period = Some((address.period.map_or(at, |(first, _)| first), at));
        false
    }

    /// Closes the window if it has elapsed or `now` is true, and returns the unrecorded calls in it.
    fn close(&self, now: bool) -> Vec<AggregatedCalls> {
        let mut state = self.state();
        if !now && state.opened.elapsed() < self.limits.window {
            return Vec::new();
        }
        // The counts cannot be written now; counting continues.
        if self.is_short(&mut state) {
            return Vec::new();
        }
        state.opened = Instant::now();
        state.recorded = 0;
        let mut rest = std::mem::take(&mut state.others);
        let mut counted: Vec<(IpAddr, AddressCalls)> =
            state.addresses.drain().filter(|(_, address)| address.unrecorded > 0).collect();
        drop(state);
        counted.sort_by(|(a, x), (b, y)| y.unrecorded.cmp(&x.unrecorded).then(a.cmp(b)));
        for (_, address) in counted.drain(counted.len().min(REPORTED)..) {
            rest.add(&address);
        }
        let mut summaries: Vec<_> =
            counted.into_iter().map(|(network, address)| address.summary(display(network))).collect();
        if rest.unrecorded > 0 {
            summaries.push(rest.summary("other addresses".to_owned()));
        }
        summaries
    }

    /// Whether free space is below the reserve. Checked every [`CHECK_INTERVAL`].
    fn is_short(&self, state: &mut State) -> bool {
        if self.limits.reserve == 0 {
            return false;
        }
        if state.checked.is_some_and(|checked| checked.elapsed() < CHECK_INTERVAL) {
            return state.short;
        }
        state.checked = Some(Instant::now());
        // If free space cannot be determined, records are written until that fails.
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
                false => {
                    tracing::warn!(free, "space is available again: unauthenticated requests are recorded")
                }
            }
        }
        state.short = short;
        short
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AddressCalls {
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

    fn summary(self, address: String) -> AggregatedCalls {
        let (first, last) = self.period.unwrap_or_default();
        let Self { unrecorded: calls, issued, request_uri, .. } = self;
        AggregatedCalls { address, calls, issued, first, last, request_uri }
    }
}

impl Engine {
    /// Records the counted unauthenticated calls, if their window has elapsed or `now` is true.
    pub async fn record_refusals(&self, now: bool) {
        for counted in self.0.refusals.close(now) {
            let at = self.0.clock.now();
            let record = AuditRecord {
                at,
                container: None,
                event: EVENT,
                meter: Meter::Free,
                count: 1,
                version: None,
                body: audit::render_aggregated_calls(EVENT, at, &counted),
            };
            if let Err(error) =
                self.0.store.commit(Commit { record: Some(record), ..Commit::default() }).await
            {
                tracing::error!(
                    error = %error.with_causes(),
                    address = counted.address,
                    calls = counted.calls,
                    "refused unauthenticated calls could not be recorded"
                );
            }
        }
    }
}

/// Returns the network that counts as one address: an IPv4 address, or the /64 network of an IPv6 address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

fn display(network: IpAddr) -> String {
    match network {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) if address.is_unspecified() => "unknown".to_owned(),
        IpAddr::V6(address) => format!("{address}/64"),
    }
}

fn truncate(text: &mut String) {
    text.truncate(text.floor_char_boundary(TEXT_LEN));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusals(per_address: u32, in_all: u32, reserve: u64) -> Refusals {
        Refusals::new(RefusalLimits {
            per_address,
            total: in_all,
            window: Duration::from_secs(3_600),
            reserve,
            directories: vec![std::env::temp_dir()],
        })
    }

    fn call(refusals: &Refusals, address: &str) -> bool {
        let address = Some(address.parse().unwrap());
        let (client_info, request_uri) = ("é".repeat(300), "/a".repeat(300));
        let mut origin = Origin { address, client_info, request_uri, ..Origin::default() };
        let admitted = refusals.should_record(&mut origin, Timestamp::UNIX_EPOCH, false);
        assert!(!admitted || origin.client_info.len() <= TEXT_LEN && origin.request_uri.len() <= TEXT_LEN);
        admitted
    }

    #[test]
    fn excess_calls_of_an_address_share_one_record() {
        let refusals = refusals(3, 100, 0);
        let admitted = (0..10).filter(|_| call(&refusals, "192.0.2.1")).count();
        assert_eq!(admitted, 3);
        assert!(call(&refusals, "192.0.2.2"));
        assert!(refusals.close(false).is_empty(), "the window is still open");
        let summaries = refusals.close(true);
        assert_eq!(summaries.len(), 1);
        assert_eq!(
            (summaries[0].address.as_str(), summaries[0].calls, summaries[0].request_uri.len()),
            ("192.0.2.1", 7, TEXT_LEN)
        );
        assert!(refusals.close(true).is_empty());
        assert!(call(&refusals, "192.0.2.1"), "a new window has room again");
    }

    #[test]
    fn ipv6_addresses_are_grouped_by_64_bit_prefix() {
        let refusals = refusals(3, 100, 0);
        let admitted = (0..10).filter(|n| call(&refusals, &format!("2001:db8::{n:x}"))).count();
        assert_eq!(admitted, 3);
        assert!(call(&refusals, "2001:db8:0:1::1"));
        assert_eq!(refusals.close(true)[0].address, "2001:db8::/64");
        assert!(call(&refusals, "::ffff:192.0.2.1"));
        assert_eq!(refusals.state().addresses.keys().next(), Some(&"192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn address_table_and_records_are_bounded() {
        let refusals = refusals(3, 50, 0);
        let addresses = (0..20_000_u32).map(|n| format!("2001:db8:{:x}:{:x}::1", n >> 8, n & 0xff));
        let admitted = addresses.filter(|address| call(&refusals, address)).count();
        assert_eq!(admitted, 50);
        assert_eq!(refusals.state().addresses.len(), ADDRESSES);
        let summaries = refusals.close(true);
        assert_eq!(summaries.len(), REPORTED + 1);
        assert_eq!(summaries.iter().map(|summary| summary.calls).sum::<u64>(), 20_000 - 50);
        assert!(refusals.state().addresses.is_empty());
    }

    #[test]
    fn low_disk_space_defers_records_and_keeps_counting() {
        let refusals = refusals(3, 50, u64::MAX);
        assert!(!call(&refusals, "192.0.2.1"));
        assert!(refusals.close(true).is_empty(), "the count cannot be written either");
        refusals.state().checked = None;
        let refusals =
            Refusals { limits: RefusalLimits { reserve: 0, ..refusals.limits }, state: refusals.state };
        assert_eq!(refusals.close(true)[0].calls, 1);
    }
}

//! The name constraints of the simulator's certificate authority (RFC 5280, section 4.2.1.10).

use std::net::IpAddr;

use rcgen::{CidrSubnet, GeneralSubtree, NameConstraints};
use x509_parser::prelude::{GeneralName, X509Certificate};

/// Returns constraints that permit these names, their subdomains, and all loopback addresses.
pub(super) fn of(names: &[String]) -> NameConstraints {
    let mut permitted = vec![
        GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8)),
        GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(std::net::Ipv6Addr::LOCALHOST.into(), 128)),
    ];
    let mut domains: Vec<&str> = Vec::new();
    for name in names {
        match name.parse::<IpAddr>() {
            Ok(address) if address.is_loopback() => {}
            Ok(address) => {
                let bits = if address.is_ipv4() { 32 } else { 128 };
                permitted.push(GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, bits)));
            }
            Err(_) => domains.push(name.strip_prefix("*.").unwrap_or(name)),
        }
    }
    let widest =
        domains.iter().filter(|name| !domains.iter().any(|other| other != *name && is_below(name, other)));
    let mut widest: Vec<&str> = widest.copied().collect();
    widest.sort_unstable();
    widest.dedup();
    permitted.extend(widest.into_iter().map(|name| GeneralSubtree::DnsName(name.to_owned())));
    NameConstraints { permitted_subtrees: permitted, excluded_subtrees: Vec::new() }
}

/// Whether an authority may issue certificates for `name`, which may begin with `*`. An authority without constraints
/// may do so for any name.
pub(super) fn permits(authority: &X509Certificate<'_>, name: &str) -> bool {
    let Ok(Some(constraints)) = authority.name_constraints() else { return true };
    let Some(permitted) = &constraints.value.permitted_subtrees else { return true };
    let address = name.parse::<IpAddr>().ok().map(|address| match address {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    });
    permitted.iter().any(|subtree| match (&subtree.base, &address) {
        (GeneralName::DNSName(domain), None) => {
            let name = name.strip_prefix("*.").unwrap_or(name);
            name.eq_ignore_ascii_case(domain) || is_below(name, domain)
        }
        (GeneralName::IPAddress(range), Some(address)) => {
            let (network, mask) = range.split_at(range.len() / 2);
            let masked = address.iter().zip(mask).map(|(byte, mask)| byte & mask);
            address.len() == network.len() && masked.eq(network.iter().copied())
        }
        _ => false,
    })
}

fn is_below(name: &str, domain: &str) -> bool {
    let (name, domain) = (name.to_ascii_lowercase(), domain.to_ascii_lowercase());
    name.strip_suffix(&domain).is_some_and(|start| start.ends_with('.'))
}

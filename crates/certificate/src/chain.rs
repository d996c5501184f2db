//! The order of the certificates of a chain.

use crate::certificate::Certificate;

/// Returns the certificates with `leaf` first, each followed by its issuer. Those that do not belong to the chain of the leaf follow
/// in their former order.
///
/// `leaf` is the position of the leaf; the order is unchanged if there is no such position.
pub fn leaf_first(certificates: Vec<Certificate>, leaf: usize) -> Vec<Certificate> {
    let mut rest = certificates;
    if leaf >= rest.len() {
        return rest;
    }
    let mut last = rest.remove(leaf);
    let mut ordered = Vec::with_capacity(rest.len() + 1);
    while let Some(issuer) = rest.iter().position(|other| last.names_issuer(other)) {
        ordered.push(std::mem::replace(&mut last, rest.remove(issuer)));
    }
    ordered.push(last);
    ordered.append(&mut rest);
    ordered
}

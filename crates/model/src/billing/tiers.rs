//! Tiered prices: assigns ranks within a month to price tiers.

use rust_decimal::Decimal;

use super::price::Tier;

/// The part of a count that has one price.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TierShare {
    /// The tier, counted from 1; 0 if there is no price.
    pub(super) tier: usize,
    /// The price of `per` units.
    pub(super) price: Decimal,
    /// The number of units.
    pub(super) count: u64,
}

/// Assigns successive units to tiers; one for each meter, month and subscription.
pub(super) struct TierAllocator<'a> {
    tiers: &'a [Tier],
    taken: u64,
}

impl<'a> TierAllocator<'a> {
    pub(super) const fn new(tiers: &'a [Tier]) -> Self {
        Self { tiers, taken: 0 }
    }

    /// Assigns the next `count` units and returns their shares.
    pub(super) fn allocate(&mut self, count: u64) -> Vec<TierShare> {
        let mut shares = Vec::with_capacity(1);
        let mut left = count;
        for (index, tier) in self.tiers.iter().enumerate() {
            let capacity = tier.up_to.map_or(u64::MAX, |last| last.saturating_sub(self.taken));
            let count = capacity.min(left);
            if count > 0 {
                shares.push(TierShare { tier: index + 1, price: tier.price, count });
                self.taken = self.taken.saturating_add(count);
                left -= count;
            }
        }
        if left > 0 {
            shares.push(TierShare { tier: 0, price: Decimal::ZERO, count: left });
        }
        shares
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_counts_into_tiers() {
        let tier = |up_to, price: i64| Tier { up_to, price: Decimal::from(price) };
        let tiers = [tier(Some(2), 5), tier(Some(5), 3), tier(None, 1)];
        let mut ladder = TierAllocator::new(&tiers);
        let counts = |shares: Vec<TierShare>| shares.iter().map(|s| (s.tier, s.count)).collect::<Vec<_>>();
        assert_eq!(counts(ladder.allocate(1)), [(1, 1)]);
        assert_eq!(counts(ladder.allocate(3)), [(1, 1), (2, 2)]);
        assert_eq!(counts(ladder.allocate(10)), [(2, 1), (3, 9)]);
        assert_eq!(counts(ladder.allocate(0)), []);
        assert_eq!(counts(TierAllocator::new(&[]).allocate(7)), [(0, 7)]);
    }
}

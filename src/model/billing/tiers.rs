//! Prices that fall as more is used: who pays which is decided by rank within the month.

use rust_decimal::Decimal;

use super::price::Tier;

/// What part of something has one price.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Share {
    /// Which tier, counted from 1; 0 where there is no price.
    pub(super) tier: usize,
    /// How much one, or `per` of them, costs.
    pub(super) price: Decimal,
    /// How many.
    pub(super) count: u64,
}

/// Deals out tiers in the order in which it is asked: one for each meter, month and subscription.
pub(super) struct Ladder<'a> {
    tiers: &'a [Tier],
    taken: u64,
}

impl<'a> Ladder<'a> {
    pub(super) const fn new(tiers: &'a [Tier]) -> Self {
        Self { tiers, taken: 0 }
    }

    /// The prices of the next `count`.
    pub(super) fn take(&mut self, count: u64) -> Vec<Share> {
        let mut shares = Vec::with_capacity(1);
        let mut left = count;
        for (index, tier) in self.tiers.iter().enumerate() {
            let room = tier.up_to.map_or(u64::MAX, |last| last.saturating_sub(self.taken));
            let count = room.min(left);
            if count > 0 {
                shares.push(Share { tier: index + 1, price: tier.price, count });
                self.taken = self.taken.saturating_add(count);
                left -= count;
            }
        }
        if left > 0 {
            shares.push(Share { tier: 0, price: Decimal::ZERO, count: left });
        }
        shares
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_fall_into_tiers() {
        let tier = |up_to, price: i64| Tier { up_to, price: Decimal::from(price) };
        let tiers = [tier(Some(2), 5), tier(Some(5), 3), tier(None, 1)];
        let mut ladder = Ladder::new(&tiers);
        let counts = |shares: Vec<Share>| shares.iter().map(|s| (s.tier, s.count)).collect::<Vec<_>>();
        assert_eq!(counts(ladder.take(1)), [(1, 1)]);
        assert_eq!(counts(ladder.take(3)), [(1, 1), (2, 2)]);
        assert_eq!(counts(ladder.take(10)), [(2, 1), (3, 9)]);
        assert_eq!(counts(ladder.take(0)), []);
        assert_eq!(counts(Ladder::new(&[]).take(7)), [(0, 7)]);
    }
}

//! Money and hours as exact decimals, and their rounding rule.
//!
//! A microsecond is not a finite decimal fraction of an hour, so rounding is necessary. Only running totals from the
//! first instant of a calendar month (UTC) are rounded: half to even, at [`DECIMAL_PLACES`] decimals. A quantity or amount of
//! any period is the difference of two running totals, so the parts of a month add up to the month exactly. Sums are
//! never rounded except once for display.

use rust_decimal::{Decimal, RoundingStrategy};

/// The number of decimals of a running total.
const DECIMAL_PLACES: u32 = 10;

/// Microseconds per hour.
const HOUR: Decimal = Decimal::from_parts(3_600_000_000, 0, 0, false, 0);

fn rounded(number: Decimal, places: u32) -> Decimal {
    number.round_dp_with_strategy(places, RoundingStrategy::MidpointNearestEven)
}

/// Returns a running total of hours.
pub(super) fn hours(micros: i64) -> Decimal {
    rounded(Decimal::from(micros) / HOUR, DECIMAL_PLACES).normalize()
}

/// Returns a running total of the cost of hours.
pub(super) fn cost_of_hours(micros: i64, price: Decimal) -> Decimal {
    rounded(Decimal::from(micros).saturating_mul(price) / HOUR, DECIMAL_PLACES).normalize()
}

/// Returns the cost of `count` units at a price for `per` units. Exact, because `per` is a power of ten.
pub(super) fn cost_of_count(count: u64, price: Decimal, per: u32) -> Decimal {
    (Decimal::from(count).saturating_mul(price) / Decimal::from(per.max(1))).normalize()
}

/// Formats an amount for display: two decimals and grouped thousands, or `<0.01`.
pub fn format_amount(amount: Decimal) -> String {
    let cents = rounded(amount, 2);
    if cents.is_zero() && !amount.is_zero() {
        return "<0.01".to_owned();
    }
    let plain = format!("{cents:.2}");
    let (sign, digits) = plain.strip_prefix('-').map_or(("", plain.as_str()), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "00"));
    let mut grouped = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    #[test]
    fn rounds_totals_half_to_even() {
        assert_eq!(hours(3_600_000_000), decimal("1"));
        assert_eq!(hours(1_000_000), decimal("0.0002777778"));
        assert_eq!(cost_of_hours(1_000_000, decimal("3.20")), decimal("0.0008888889"));
        // 18 microseconds are 0.000000005 hours exactly; 0.18 are half of the last decimal.
        assert_eq!(cost_of_hours(18, decimal("0.01")), decimal("0"));
        assert_eq!(cost_of_hours(54, decimal("0.01")), decimal("0.0000000002"));
        assert_eq!(cost_of_count(12_345, decimal("0.03"), 10_000), decimal("0.037035"));
    }

    #[test]
    fn formats_amounts_with_two_decimals() {
        for (amount, text) in [
            ("0", "0.00"),
            ("0.004", "<0.01"),
            ("0.005", "<0.01"),
            ("0.015", "0.02"),
            ("0.025", "0.02"),
            ("3.2", "3.20"),
            ("999.999", "1,000.00"),
            ("6912", "6,912.00"),
            ("1234567.8", "1,234,567.80"),
            ("-1234.5", "-1,234.50"),
        ] {
            assert_eq!(format_amount(decimal(amount)), text, "{amount}");
        }
    }
}

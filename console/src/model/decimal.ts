/** An exact decimal: `units` of 10 to the power of `-scale`. */
export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

export const ZERO: Decimal = { units: 0n, scale: 0 };

/** Parses the decimals of the service: an optional sign, digits, and digits after a point. */
export function parseDecimal(text: string): Decimal {
  const parts = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (parts === null) {
    return ZERO;
  }
  const fraction = parts[3] ?? "";
  const units = BigInt(`${parts[2]}${fraction}`);
  return { units: parts[1] === "-" ? -units : units, scale: fraction.length };
}

export function add(left: Decimal, right: Decimal): Decimal {
  const scale = Math.max(left.scale, right.scale);
  return { units: rescale(left, scale) + rescale(right, scale), scale };
}

function rescale({ units, scale }: Decimal, wanted: number): bigint {
  return units * 10n ** BigInt(wanted - scale);
}

/** For plots, which have the precision of the screen. */
export function toNumber({ units, scale }: Decimal): number {
  return Number(units) / 10 ** scale;
}

/** Two decimals, rounded half to even, with thousands separated; positive amounts that round to zero are `<0.01`. */
export function formatAmount({ units, scale }: Decimal): string {
  const cents = round(units * 100n, 10n ** BigInt(scale));
  if (cents === 0n && units > 0n) {
    return "<0.01";
  }
  const sign = cents < 0n ? "-" : "";
  const digits = String(cents < 0n ? -cents : cents).padStart(3, "0");
  const whole = digits.slice(0, -2).replace(/\B(?=(\d{3})+$)/g, ",");
  return `${sign}${whole}.${digits.slice(-2)}`;
}

function round(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = 2n * (numerator % denominator);
  const magnitude = twice < 0n ? -twice : twice;
  const away = magnitude > denominator || (magnitude === denominator && quotient % 2n !== 0n);
  return away ? quotient + (numerator < 0n ? -1n : 1n) : quotient;
}

/** An amount of the service with its currency: 76.80 USD. */
export function formatMoney(text: string, currency: string): string {
  return `${formatAmount(parseDecimal(text))} ${currency}`;
}

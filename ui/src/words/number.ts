/** What stands where there is no number. */
export const none = '–'

type Maybe = number | null | undefined

const known = (x: Maybe): x is number => typeof x === 'number' && !Number.isNaN(x)

// A number stays with its unit (no-break space), and its groups of three digits
// stay together (narrow no-break space).
const space = '\u00a0'
const thin = '\u202f'

/** A number and its unit, kept on one line. */
const join = (n: string, unit: string) => (n === none || unit === '' ? n : n + space + unit)

/** Digits in groups of three: 12 331. */
function grouped(digits: string): string {
  const [whole = '', part] = digits.replace('-', '').split('.')
  const text = whole.replace(/\B(?=(\d{3})+$)/g, thin)
  return (digits.startsWith('-') ? '−' : '') + text + (part ? '.' + part : '')
}

/** A whole number: 12 331. */
export function count(n: Maybe): string {
  return known(n) && Number.isFinite(n) ? grouped(Math.round(n).toFixed(0)) : none
}

/** A whole number and what it counts, in the right form: "1 request", "2 310 requests". */
export function counted(n: Maybe, one: string, many = one + 's'): string {
  return join(count(n), n === 1 ? one : many)
}

/** A large number short, for where room is scarce: 8 400, 41.8 k, 2.3 M. */
export function short(n: Maybe): string {
  if (!known(n) || !Number.isFinite(n)) return none
  const [unit, size] = [['G', 1e9], ['M', 1e6], ['k', 1e3]].find(([, s]) => Math.abs(n) >= (s === 1e3 ? 9_999.5 : (s as number) * 0.9995)) ?? ['', 1]
  return unit === '' ? count(n) : join(number(n / (size as number)), unit as string)
}

/** Any value, with three significant digits and no more: 0.042, 1.31, 12.5, 4 210. */
export function number(x: Maybe): string {
  if (!known(x)) return none
  if (!Number.isFinite(x)) return x > 0 ? '∞' : '−∞'
  const a = Math.abs(x)
  if (a === 0) return '0'
  if (a >= 1e12 || a < 1e-6) return exponent(x)
  if (a >= 99.95) return grouped(Math.round(x).toFixed(0))
  return grouped(x.toFixed(decimals(a)).replace(/\.?0+$/, ''))
}

/** How many decimals leave three significant digits (two below 1). */
function decimals(a: number): number {
  if (a >= 9.995) return 1
  if (a >= 0.9995) return 2
  return Math.min(8, 1 - Math.floor(Math.log10(a)))
}

const superscript: Record<string, string> = { '-': '⁻', 0: '⁰', 1: '¹', 2: '²', 3: '³', 4: '⁴', 5: '⁵', 6: '⁶', 7: '⁷', 8: '⁸', 9: '⁹' }

function exponent(x: number): string {
  const [mantissa = '', power = ''] = x.toExponential(1).split('e')
  return grouped(mantissa.replace(/\.0$/, '')) + `${space}×${space}10` + [...power.replace('+', '')].map((c) => superscript[c]).join('')
}

/** A share from 0 to 1 as a percentage: 0.49 %, 6.3 %, 12.5 %, 99.95 %. */
export function percent(share: Maybe): string {
  return known(share) ? percentOf(100 * share) : none
}

/** A percentage, such as a weight, as it is: 0.01 %, 10 %, 33.3 %. */
export function percentOf(p: Maybe): string {
  if (!known(p) || !Number.isFinite(p)) return none
  const a = Math.abs(p)
  if (a === 0) return join('0', '%')
  if (a < 0.0001) return '<' + join('0.0001', '%')
  // Near the whole what is missing tells, not what is there.
  const near = a > 99 && a < 100 ? 100 - a : a
  const digits = near < 0.995 ? Math.min(6, 1 - Math.floor(Math.log10(near))) : a < 99.95 ? 1 : 0
  return join(grouped(digits > 0 ? p.toFixed(digits).replace(/\.?0+$/, '') : p.toFixed(0)), '%')
}

/** The difference of two shares in percentage points, with its sign: "+0.46 points". */
export function points(difference: Maybe): string {
  if (!known(difference) || !Number.isFinite(difference)) return none
  const text = number(100 * difference)
  return join(difference > 0 ? '+' + text : text, 'points')
}

/** How many times as much: 5.9×, 0.42×, 120×; near 1, where a tenth is a lot, 1.05×. */
export function times(x: Maybe): string {
  if (!known(x) || x < 0) return none
  if (x >= 10_000) return `over 10${thin}000×`
  if (x >= 9.95) return count(x) + '×'
  if (x >= 1.005 && x < 1.095) return x.toFixed(2) + '×'
  if (x >= 0.995) return x.toFixed(1) + '×'
  if (x > 0 && x < 0.01) return '<0.01×'
  return x.toFixed(2) + '×'
}

/** Evidence as odds: "120 to 1"; beyond a million it says no more. */
export function odds(e: Maybe): string {
  if (!known(e) || e < 0) return none
  if (e > 1e6) return 'over a million to 1'
  if (e >= 9.95) return `${count(e)} to 1`
  return e >= 0.095 ? `${Number(e.toFixed(1))} to 1` : '0 to 1'
}

/** How often in a second: 1 200/s, 0.3/s; below one in ten seconds by the minute or hour. */
export function rate(perSecond: Maybe): string {
  if (!known(perSecond)) return none
  const a = Math.abs(perSecond)
  if (a === 0 || a >= 0.1) return number(perSecond) + '/s'
  return a >= 1 / 600 ? number(60 * perSecond) + '/min' : number(3600 * perSecond) + '/h'
}

/** A short time in the unit that suits it: 0.4 ms, 212 ms, 1.5 s, 90 s. For longer ones see duration. */
export function seconds(s: Maybe): string {
  if (!known(s)) return none
  const a = Math.abs(s)
  if (a === 0) return join('0', 's')
  if (a < 0.000_999_5) return join(number(s * 1e6), 'µs')
  return a < 0.9995 ? join(number(s * 1e3), 'ms') : join(number(s), 's')
}

/** An amount of memory or data: 512 B, 402 MiB, 1.5 GiB. */
export function bytes(b: Maybe): string {
  if (!known(b)) return none
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let at = 0
  let x = b
  while (Math.abs(x) >= 1023.5 && at < units.length - 1) {
    x /= 1024
    at++
  }
  return join(number(x), units[at]!)
}

/** A value in its unit: "s", "B" (or "bytes"), "%" of a share, or any other word behind the number. */
export function inUnit(x: Maybe, unit: string | undefined): string {
  switch (unit) {
    case 's': case 'seconds': return seconds(x)
    case 'B': case 'bytes': return bytes(x)
    case '%': case 'share': return percent(x)
    case '/s': return rate(x)
  }
  return join(number(x), unit ?? '')
}

/** From where to where an estimate may lie: "3.4× to 9.8×", "at least 3.4×", "at most 9.8×". */
export function span(low: Maybe, high: Maybe, write: (x: Maybe) => string): string {
  const [l, h] = [known(low) && Number.isFinite(low), known(high) && Number.isFinite(high)]
  if (l && h) return `${write(low)} to ${write(high)}`
  if (l) return `at least ${write(low)}`
  return h ? `at most ${write(high)}` : none
}

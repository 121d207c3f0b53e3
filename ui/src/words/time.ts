/** A moment in the reader's zone: the time alone for today, with the day before that. */
export function clock(at: Date, now = new Date()): string {
  const time = at.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
  if (at.toDateString() === now.toDateString()) return time
  const day: Intl.DateTimeFormatOptions = at.getFullYear() === now.getFullYear() ? { day: 'numeric', month: 'short' } : { day: 'numeric', month: 'short', year: 'numeric' }
  return `${at.toLocaleDateString(undefined, day)}, ${time}`
}

/** A moment in UTC, such as "2026-03-01 11:02:07 UTC". */
export function utc(at: Date): string {
  return at.toISOString().replace('T', ' ').replace(/\.\d+Z$/, ' UTC')
}

/** How long something took, by its two largest units: "4 min 12 s", "2 h 5 min", "3 d 1 h"; below ten seconds with tenths. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–'
  if (seconds < 0) return '0 s'
  if (seconds < 9.95) return `${Number(seconds.toFixed(1))} s`
  let rest = Math.round(seconds)
  const parts: string[] = []
  for (const [name, size] of [['d', 86_400], ['h', 3_600], ['min', 60], ['s', 1]] as const) {
    const n = Math.floor(rest / size)
    rest -= n * size
    if (n > 0) parts.push(`${n} ${name}`)
    else if (parts.length > 0) break
    if (parts.length === 2) break
  }
  return parts.join(' ')
}

/** How long ago a moment was, or in how long it will be. */
export function ago(at: Date, now: Date): string {
  const s = (now.getTime() - at.getTime()) / 1000
  if (Math.abs(s) < 5) return 'now'
  const text = duration(Math.abs(s) < 60 ? Math.round(Math.abs(s)) : 60 * Math.round(Math.abs(s) / 60))
  return s > 0 ? `${text} ago` : `in ${text}`
}

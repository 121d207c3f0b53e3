/** A search parameter as text, of at most so many characters; an address that somebody wrote by hand may hold a number there. */
export function text(of: unknown, most = 200): string | undefined {
  if (typeof of === 'number' || typeof of === 'boolean') return String(of)
  return typeof of === 'string' && of !== '' ? of.slice(0, most) : undefined
}

/** A search parameter as a day of the calendar, and nothing where there is no such day. */
export function day(of: unknown): string | undefined {
  if (typeof of !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(of)) return undefined
  const at = new Date(of + 'T00:00:00Z')
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(of) ? of : undefined
}

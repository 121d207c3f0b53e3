/** Which lines of the audit are wanted, as it stands in the address; days as 2026-03-01. */
export type AuditFilters = { who?: string; what?: string; object?: string; denied?: boolean; from?: string; to?: string }

/** A day of the reader's zone as the moment it begins, or the day after it does. */
function midnight(day: string | undefined, after = 0): string | undefined {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day ?? '')
  if (!parts) return undefined
  const at = new Date(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]) + after)
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString()
}

/** The filters as the API takes them: both days are meant whole. */
export function audited(f: AuditFilters) {
  return { who: f.who, what: f.what, object: f.object, denied: f.denied, from: midnight(f.from), to: midnight(f.to, 1) }
}

/** Where all lines that fit are had as one file. */
export function exportAddress(f: AuditFilters): string {
  const query = new URLSearchParams({ download: 'true' })
  for (const [name, value] of Object.entries(audited(f))) if (value !== undefined) query.set(name, String(value))
  return '/v1/audit?' + query.toString()
}

/** The release that a line of the audit is about, if it is about one. */
export function releaseOf(what: string, object: string): { name: string; attempt: number } | undefined {
  const parts = /^([^/]+)\/([1-9]\d{0,8})$/.exec(object)
  return parts && what.startsWith('release.') ? { name: parts[1]!, attempt: Number(parts[2]) } : undefined
}

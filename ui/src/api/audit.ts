import { keepPreviousData, useQuery } from '@tanstack/react-query'

import { audited, type AuditFilters } from '../words/audit'
import { client, Failure, take, type Schemas } from './client'

/** How many lines stand on a page. */
const page = 100

/** A page of the audit: the lines before a cursor, or the last. */
export function useAudit(wanted: AuditFilters, before: string | undefined) {
  const query = { ...audited(wanted), limit: page, cursor: before }
  return useQuery({
    queryKey: ['audit', query],
    queryFn: async ({ signal }): Promise<Schemas['AuditLines']> => {
      const lines = await take(client.GET('/v1/audit', { signal, params: { query } }))
      if (typeof lines === 'string') throw new Failure(200, 'unknown', 'Linnet answered with something else than a page of the audit.')
      return lines
    },
    placeholderData: keepPreviousData, refetchInterval: 30_000,
  })
}

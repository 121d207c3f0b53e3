import { useQuery } from '@tanstack/react-query'

import { client, hasSession, take } from './client'

/** Who is looking. */
export function useMe() {
  return useQuery({
    queryKey: ['me'],
    queryFn: async () => {
      const me = await take(client.GET('/v1/me'))
      hasSession(me.csrf)
      return me
    },
    staleTime: 60_000,
  })
}

/** Where a login begins, and leads back to this page. */
export function loginURL(): string {
  return '/v1/login/start?to=' + encodeURIComponent(location.pathname + location.search)
}

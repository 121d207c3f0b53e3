import { useMutation, useQuery } from '@tanstack/react-query'

import { client, take } from './client'

/** The file that a release began with, given as name/attempt. */
export function useFileOf(release: string | undefined) {
  const [name = '', attempt = 'latest'] = (release ?? '').split('/')
  return useQuery({
    queryKey: ['file', name, attempt],
    queryFn: ({ signal }) => take(client.GET('/v1/releases/{name}/{attempt}/file', { signal, params: { path: { name, attempt } }, parseAs: 'text' })),
    enabled: name !== '', staleTime: Infinity,
  })
}

/** What a file would do, or all that is wrong with it. */
export function useChecked(file: string) {
  return useQuery({ queryKey: ['plan', file], queryFn: ({ signal }) => take(client.POST('/v1/plan', { signal, body: { file } })), enabled: file.trim() !== '', staleTime: Infinity, gcTime: 10_000 })
}

/** What each step of a file would see at some traffic: plays many releases, which takes seconds. */
export function useForecast() {
  return useMutation({ mutationFn: (body: { file: string; rate: string; errors?: string }) => take(client.POST('/v1/plan', { body })) })
}

/** What a file would have done on the last releases of its service. */
export function useBacktest() {
  return useMutation({ mutationFn: (file: string) => take(client.POST('/v1/backtest', { body: { file, limit: 10 } })) })
}

import { keepPreviousData, useQuery } from '@tanstack/react-query'

import { client, take, type Release, type Schemas } from './client'
import { few } from './few'

/** How a release ends, and "running" before. */
export const outcomes = ['running', 'promoted', 'rolled-back', 'aborted'] as const
export type OutcomeName = (typeof outcomes)[number]

/** Which releases are wanted. */
export type Wanted = { q?: string; service?: string; team?: string; environment?: string; outcome?: OutcomeName }

/** How often lists are read again, besides whenever something happens: quiet looks are no events. */
const again = 5_000

type Listed = Schemas['Releases']

/** The releases that run. */
export function useRunning({ outcome, ...wanted }: Wanted, most: number, enabled = true) {
  return useQuery({
    queryKey: ['releases', 'running', wanted, most],
    queryFn: ({ signal }): Promise<Listed> => take(client.GET('/v1/releases', { signal, params: { query: { ...wanted, state: 'running', limit: most } } })),
    placeholderData: keepPreviousData, refetchInterval: again, enabled: enabled && (!outcome || outcome === 'running'),
  })
}

/** A page of the releases that have ended: those begun before a cursor, or the last. */
export function useEnded({ outcome, ...wanted }: Wanted, before: string | undefined, most: number, enabled = true) {
  return useQuery({
    queryKey: ['releases', 'ended', wanted, outcome, before, most],
    queryFn: ({ signal }): Promise<Listed> => take(client.GET('/v1/releases', {
      signal, params: { query: { ...wanted, state: 'ended', outcome: outcome === 'running' ? undefined : outcome, cursor: before, limit: most } },
    })),
    placeholderData: keepPreviousData, refetchInterval: 6 * again, enabled: enabled && outcome !== 'running',
  })
}

const atOnce = few(4)

/** On what evidence a release of a list stands; read again when the list says that it has new records. */
export function useBrief(release: Release, wanted: boolean) {
  const { name, attempt, records } = release
  return useQuery({
    queryKey: ['brief', name, attempt, records],
    queryFn: ({ signal }) => atOnce(signal, () => take(client.GET('/v1/releases/{name}/{attempt}/record', {
      signal, params: { path: { name, attempt: String(attempt) }, query: { brief: true } },
    }))),
    placeholderData: keepPreviousData, staleTime: Infinity, gcTime: 30_000, enabled: wanted,
  })
}

/** All services that one may see. */
export function useServices() {
  return useQuery({ queryKey: ['services'], queryFn: ({ signal }) => take(client.GET('/v1/services', { signal })), placeholderData: keepPreviousData, refetchInterval: 12 * again })
}

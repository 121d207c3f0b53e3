import { expect, it } from 'vitest'

import { audited, exportAddress, releaseOf } from './audit'

it('means days whole, in the zone of who reads', () => {
  const q = audited({ from: '2026-03-01', to: '2026-03-31' })
  expect(new Date(q.from!)).toEqual(new Date(2026, 2, 1))
  expect(new Date(q.to!)).toEqual(new Date(2026, 3, 1))
  expect(audited({ from: 'yesterday' }).from).toBeUndefined()
})

it('exports what is filtered', () => {
  expect(exportAddress({})).toBe('/v1/audit?download=true')
  expect(exportAddress({ who: 'a&b', denied: true })).toBe('/v1/audit?download=true&who=a%26b&denied=true')
})

it('knows which lines are about a release', () => {
  expect(releaseOf('release.abort', 'checkout-1.5.0/2')).toEqual({ name: 'checkout-1.5.0', attempt: 2 })
  expect(releaseOf('token.create', 'ann/1')).toBeUndefined()
  expect(releaseOf('release.create', 'checkout')).toBeUndefined()
})

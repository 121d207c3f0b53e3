import type { Schemas } from '../api/client'

import { percent } from './number'

type Counts = Schemas['Counts']

/** How many releases of a service have ended. */
export const endedOf = (c: Counts) => c.promoted + c.rolled_back + c.aborted

/** Which share of the releases that ended was promoted, "–" where none has. */
export function promotionRate(c: Counts): string {
  const ended = endedOf(c)
  return ended > 0 ? percent(c.promoted / ended) : percent(null)
}

import { createContext, useContext, useSyncExternalStore } from 'react'

/** What all charts of a page show together: the instant under the pointer, and the stretch zoomed to; milliseconds since 1970. */
export type Shown = { at: number | null; range: [number, number] | null }

/** Holds what is shown, so that moving the pointer redraws cursors and readouts and no component around them. */
export class Moment {
  private shown: Shown = { at: null, range: null }
  private readonly watchers = new Set<() => void>()

  get = (): Shown => this.shown

  watch = (tell: () => void): (() => void) => {
    this.watchers.add(tell)
    return () => this.watchers.delete(tell)
  }

  /** Points all charts at an instant; null for none. */
  point(at: number | null) {
    if (at !== this.shown.at) this.become({ ...this.shown, at })
  }

  /** Zooms all charts to a stretch; null for the whole. */
  zoom(range: [number, number] | null) {
    this.become({ ...this.shown, range })
  }

  private become(next: Shown) {
    this.shown = next
    this.watchers.forEach((tell) => tell())
  }
}

/** The moment that the charts of a page share. */
export const MomentContext = createContext(new Moment())

export function useMoment(): Moment {
  return useContext(MomentContext)
}

/** The instant that is pointed at; none for what is not seen, which is left alone while the pointer moves. */
export function useInstant(seen: boolean): number | null {
  const moment = useMoment()
  return useSyncExternalStore(moment.watch, () => (seen ? moment.get().at : null))
}

/** The stretch that is zoomed to. */
export function useRange(): [number, number] | null {
  const moment = useMoment()
  return useSyncExternalStore(moment.watch, () => moment.get().range)
}

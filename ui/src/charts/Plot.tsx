import { useEffect, useLayoutEffect, useMemo, useRef } from 'react'
import uPlot from 'uplot'

import { useInView } from './inView'
import { useMoment, type Shown } from './moment'
import { usePalette } from './palette'
import classes from './charts.module.css'
import { made, options, type Picture } from './shape'
import { inTurn } from './turns'

/**
 * A chart over time. It is made when it first comes into view, and drawn again only
 * when its picture changes and it is seen; the pointer moves all charts of the page.
 */
export function Plot({ picture, height, label }: { picture: Picture; height: number; label: string }) {
  const host = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot | null>(null)
  const drawn = useRef<{ picture: Picture | null; range: Shown['range'] }>({ picture: null, range: null })
  const moment = useMoment()
  const palette = usePalette()
  const seen = useInView(host)
  const latest = useRef({ picture, palette })
  const shape = useMemo(() => made(picture), [picture])

  useLayoutEffect(() => {
    latest.current = { picture, palette }
  })

  useEffect(() => {
    const element = host.current
    if (!element || !seen) return
    return inTurn(() => {
      if (chart.current) return
      const now = () => ({ ...latest.current, range: moment.get().range ?? [latest.current.picture.from, latest.current.picture.to] as [number, number] })
      const u = new uPlot(options(now, element.clientWidth, height, hooks(moment)), columns(latest.current.picture), element)
      drawn.current = { picture: latest.current.picture, range: moment.get().range }
      chart.current = u
    })
  }, [seen, height, moment, shape])

  useEffect(() => () => {
    chart.current?.destroy()
    chart.current = null
  }, [shape])

  // What is not seen is left as it is until it is.
  useEffect(() => {
    if (!seen) return
    const show = () => {
      const { at, range } = moment.get()
      const u = chart.current
      if (!u) return
      if (drawn.current.picture !== picture || drawn.current.range !== range) {
        drawn.current = { picture, range }
        u.setData(columns(picture))
        queueMicrotask(() => place(u, moment.get().at)) // where that is, is known once it is drawn
      }
      place(u, at)
    }
    show()
    return moment.watch(show)
  }, [seen, picture, moment])

  useEffect(() => chart.current?.redraw(false, true), [palette])
  useEffect(() => {
    const element = host.current
    if (!element) return
    const ruler = new ResizeObserver(() => {
      const width = element.clientWidth
      if (width > 0 && chart.current && chart.current.width !== width) chart.current.setSize({ width, height })
    })
    ruler.observe(element)
    return () => ruler.disconnect()
  }, [height])

  return <div ref={host} className={classes.plot} role="img" aria-label={label} style={{ height }} />
}

function columns(p: Picture): uPlot.AlignedData {
  return [p.time, ...p.traces.map((t) => t.values)]
}

/** The pointer over one chart is over all; a stretch that is dragged is shown by all. */
function hooks(moment: ReturnType<typeof useMoment>): uPlot.Hooks.Arrays {
  return {
    setCursor: [(u) => {
      const { left = -1, idx, event } = u.cursor
      if (!event) return
      moment.point(left < 0 || idx === null || idx === undefined ? null : (u.data[0][idx] ?? null))
    }],
    setSelect: [(u) => {
      const { left, width } = u.select
      if (width < 6) return
      moment.zoom([u.posToVal(left, 'x'), u.posToVal(left + width, 'x')])
      u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false)
    }],
    ready: [(u) => u.over.addEventListener('dblclick', () => moment.zoom(null))],
  }
}

/** Moves a chart's cursor to an instant, or away. */
function place(u: uPlot, at: number | null) {
  u.setCursor({ left: at === null ? -10 : u.valToPos(at, 'x'), top: at === null ? -10 : 0 }, false)
}

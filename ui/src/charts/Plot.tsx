import { useEffect, useLayoutEffect, useMemo, useRef } from 'react'
import uPlot from 'uplot'

import { useInView } from './inView'
import { useMoment } from './moment'
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
  const drawn = useRef<Picture | null>(null)
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
      drawn.current = latest.current.picture
      chart.current = u
    })
  }, [seen, height, moment, shape])

  useEffect(() => () => {
    chart.current?.destroy()
    chart.current = null
  }, [shape])

  useEffect(() => {
    if (seen && chart.current && drawn.current !== picture) {
      drawn.current = picture
      chart.current.setData(columns(picture))
    }
  }, [seen, picture])

  useEffect(() => chart.current?.redraw(false, true), [palette])
  useEffect(() => follow(moment, chart), [moment])
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

function place(u: uPlot, at: number | null) {
  u.setCursor({ left: at === null ? -10 : u.valToPos(at, 'x'), top: at === null ? -10 : 0 }, false)
}

/** Moves a chart's cursor, and what it shows, with the others'. */
function follow(moment: ReturnType<typeof useMoment>, chart: { current: uPlot | null }): () => void {
  let range = moment.get().range
  return moment.watch(() => {
    const u = chart.current
    const shown = moment.get()
    if (!u) return
    if (shown.range !== range) {
      range = shown.range
      u.setData(u.data) // asks for the range again
      queueMicrotask(() => place(u, moment.get().at)) // which is known once that is done
    }
    place(u, shown.at)
  })
}

/** A point of a curve: from some time on harm of this size and more is seen. */
export type Seen = { effect: number; time_s: number }

/** Where a curve of one metric goes, in shares of the picture's width and height, from its upper left. */
export type Drawn = { metric: string; points: [x: number, y: number][]; end: Seen }

/** The sizes of harm that a picture reaches over. */
export function reach(curves: readonly { curve: readonly Seen[] }[]): [small: number, large: number] {
  const all = curves.flatMap((c) => c.curve.map((p) => p.effect))
  return [Math.max(1.001, Math.min(1.2, ...all)), Math.max(2, ...all)]
}

/** How high harm of a size stands: by the logarithm of what it has beyond 1, the largest on top. */
export function height(effect: number, [small, large]: [number, number]): number {
  const [low, high] = [Math.log(small - 1), Math.log(large - 1)]
  return 1 - Math.min(1, Math.max(0, (Math.log(Math.max(effect, 1.001) - 1) - low) / (high - low)))
}

/** The curves of a step: each a step down whenever a smaller harm comes to be seen, up to the end. */
export function drawn(metrics: readonly { metric: string; curve: readonly Seen[] }[], most: number): Drawn[] {
  const over = reach(metrics)
  return metrics.flatMap(({ metric, curve }) => {
    const line = curve.filter((p) => p.time_s <= most)
    if (line.length === 0) return []
    const points: [number, number][] = []
    line.forEach((p, i) => {
      const x = p.time_s / most
      if (i > 0) points.push([x, points[points.length - 1]![1]])
      points.push([x, height(p.effect, over)])
    })
    points.push([1, points[points.length - 1]![1]])
    return [{ metric, points, end: line[line.length - 1]! }]
  })
}

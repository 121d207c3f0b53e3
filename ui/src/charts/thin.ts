import type { Column } from '../api/course'

/** A column in at most n numbers: the mean of what is known in each stretch, null where nothing is. */
export function thin(column: Column, n: number): Column {
  if (column.length <= n) return column
  const out: Column = []
  for (let i = 0; i < n; i++) {
    let sum = 0
    let count = 0
    for (let j = Math.floor((i * column.length) / n); j < Math.floor(((i + 1) * column.length) / n); j++) {
      const x = column[j]
      if (x === null || x === undefined) continue
      sum += x
      count++
    }
    out.push(count > 0 ? sum / count : null)
  }
  return out
}

/** The line of a column in a box of width by height, as the path of an SVG; gaps where nothing is known. */
export function path(column: Column, [bottom, top]: [number, number], width: number, height: number): string {
  const step = column.length > 1 ? width / (column.length - 1) : 0
  let out = ''
  let down = false
  column.forEach((x, i) => {
    if (x === null) {
      down = false
      return
    }
    const y = height - ((x - bottom) / (top - bottom || 1)) * height
    out += `${down ? 'L' : 'M'}${(i * step).toFixed(1)} ${y.toFixed(1)}`
    down = true
  })
  return out
}

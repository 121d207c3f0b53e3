const waiting: (() => void)[] = []

/**
 * Does something in one of the next frames. Of several things each gets a frame of
 * its own, so that drawing many charts never holds up the page.
 */
export function inTurn(task: () => void): () => void {
  waiting.push(task)
  if (waiting.length === 1) requestAnimationFrame(next)
  return () => {
    const i = waiting.indexOf(task)
    if (i > 0) waiting.splice(i, 1)
    if (i === 0) waiting[0] = () => undefined // its frame is asked for already
  }
}

function next() {
  waiting[0]?.()
  waiting.shift()
  if (waiting.length > 0) requestAnimationFrame(next)
}

type Work<T> = () => Promise<T>

/**
 * Lets at most so many requests run at a time; the others wait in order. A list
 * that reads each of its rows leaves room for what a person asks meanwhile.
 */
export function few(most: number) {
  let running = 0
  const waiting: (() => void)[] = []
  return async <T>(signal: AbortSignal, work: Work<T>): Promise<T> => {
    if (running >= most) await new Promise<void>((go) => waiting.push(go))
    else running++
    try {
      signal.throwIfAborted()
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}

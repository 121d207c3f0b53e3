/**
 * Has things read again that something happened to, each by its key, at most once
 * in so many milliseconds. What is being read is not broken off, since where much
 * happens it would never come; it is read once more after that.
 */
export function readAgain(read: (key: string) => Promise<void>, breath: number): (key: string) => void {
  const reading = new Set<string>()
  const due = new Set<string>()
  const begin = (key: string) => {
    reading.add(key)
    due.delete(key)
    const pause = new Promise<void>((over) => setTimeout(over, breath))
    void Promise.allSettled([read(key), pause]).then(() => {
      reading.delete(key)
      if (due.has(key)) begin(key)
    })
  }
  return (key) => {
    if (reading.has(key)) due.add(key)
    else begin(key)
  }
}

import { useEffect, useState } from 'react'

/** The present moment, moved on every so many milliseconds. */
export function useNow(every = 5_000): Date {
  const [now, set] = useState(() => new Date())
  useEffect(() => {
    const timer = setInterval(() => set(new Date()), every)
    return () => clearInterval(timer)
  }, [every])
  return now
}

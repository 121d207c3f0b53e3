import { useEffect, useState, type RefObject } from 'react'

/** Whether an element is on the screen, or nearly; everything is while the page is printed. */
export function useInView(ref: RefObject<HTMLElement | null>): boolean {
  const [seen, setSeen] = useState(false)
  useEffect(() => {
    const element = ref.current
    if (!element) return
    const eye = new IntersectionObserver((entries) => setSeen(entries.some((e) => e.isIntersecting)), { rootMargin: '300px 0px' })
    eye.observe(element)
    const show = () => setSeen(true)
    addEventListener('beforeprint', show)
    return () => {
      eye.disconnect()
      removeEventListener('beforeprint', show)
    }
  }, [ref])
  return seen
}

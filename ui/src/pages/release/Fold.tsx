import { useState, type ReactNode } from 'react'

import classes from './release.module.css'

/** Something behind a disclosure, made when it is first opened. */
export function Fold({ title, children, plain, open: first = false }: { title: ReactNode; children: () => ReactNode; plain?: boolean; open?: boolean }) {
  const [open, setOpen] = useState(first)
  const [made, setMade] = useState(first)
  return (
    <details
      className={`${classes.fold} ${plain ? classes.plain : ''}`} open={open}
      onToggle={(e) => {
        setOpen(e.currentTarget.open)
        if (e.currentTarget.open) setMade(true)
      }}
    >
      <summary>{title}</summary>
      {made && children()}
    </details>
  )
}

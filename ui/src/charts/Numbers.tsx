import { useState, type ReactNode } from 'react'

import classes from './charts.module.css'

/** The numbers of a chart as a table, behind a disclosure; made when it is opened. */
export function Numbers({ children, title = 'Numbers as a table' }: { children: () => ReactNode; title?: string }) {
  const [open, setOpen] = useState(false)
  return (
    <details className={`${classes.numbers} no-print`} onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>{title}</summary>
      {open && <div className={classes.rows}>{children()}</div>}
    </details>
  )
}

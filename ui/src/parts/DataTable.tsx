import type { ReactNode } from 'react'

import css from './DataTable.module.css'

/** A column: its head, what stands in it for a row, and how. */
export type Column<T> = {
  head: ReactNode
  cell: (row: T) => ReactNode
  /** "number" stands at the right and is not broken, "text" has room to wrap, "whole" is not broken. */
  as?: 'number' | 'text' | 'whole'
  /** What stands before the value where the table is stacked. */
  label?: string
  /** The column names the row. */
  names?: boolean
}

type Table<T> = {
  caption: string
  hideCaption?: boolean
  /** On a phone each row becomes a block, rather than the table one that scrolls. */
  stack?: boolean
  columns: Column<T>[]
  rows: readonly T[]
  id: (row: T) => string | number
}

/**
 * A table with a caption and headers; where it is wider than the page it scrolls by
 * itself. The roles stand there because a stacked table would lose them.
 */
export function DataTable<T>({ caption, hideCaption, stack, columns, rows, id }: Table<T>) {
  return (
    <div className="wide" role="region" aria-label={caption} tabIndex={0}>
      <table className={`${css.table} ${stack ? css.stack : ''}`} role="table">
        <caption className={hideCaption ? css.hidden : undefined}><span className={hideCaption ? 'visually-hidden' : undefined}>{caption}</span></caption>
        <thead role="rowgroup">
          <tr role="row">{columns.map((c, i) => <th key={i} scope="col" role="columnheader" className={classOf(c)}>{c.head}</th>)}</tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={id(row)} role="row">
              {columns.map((c, i) => c.names
                ? <th key={i} scope="row" role="rowheader" className={classOf(c)}>{c.cell(row)}</th>
                : <td key={i} role="cell" data-label={c.label} className={classOf(c)}>{c.cell(row)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function classOf<T>(c: Column<T>): string | undefined {
  switch (c.as) {
    case 'number': return `${css.right} ${css.whole}`
    case 'whole': return css.whole
    case 'text': return css.text
  }
  return undefined
}

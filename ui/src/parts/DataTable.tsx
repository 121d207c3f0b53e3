import type { ReactNode } from 'react'

import css from './DataTable.module.css'

/** A column: its head, what stands in it for a row, and how. */
export type Column<T> = {
  head: ReactNode
  cell: (row: T) => ReactNode
  /** "number" stands at the right and is not broken, "text" has room to wrap, "whole" is not broken. */
  as?: 'number' | 'text' | 'whole'
  /** The column names the row. */
  names?: boolean
}

type Table<T> = { caption: string; hideCaption?: boolean; columns: Column<T>[]; rows: readonly T[]; id: (row: T) => string | number }

/** A table with a caption and headers; where it is wider than the page it scrolls by itself. */
export function DataTable<T>({ caption, hideCaption, columns, rows, id }: Table<T>) {
  return (
    <div className="wide" role="region" aria-label={caption} tabIndex={0}>
      <table className={css.table}>
        <caption><span className={hideCaption ? 'visually-hidden' : undefined}>{caption}</span></caption>
        <thead>
          <tr>{columns.map((c, i) => <th key={i} scope="col" className={classOf(c)}>{c.head}</th>)}</tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={id(row)}>
              {columns.map((c, i) => c.names
                ? <th key={i} scope="row" className={classOf(c)}>{c.cell(row)}</th>
                : <td key={i} className={classOf(c)}>{c.cell(row)}</td>)}
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

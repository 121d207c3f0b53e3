import { memo } from 'react'

import type { Record } from '../../api/course'
import { Explain } from '../../parts/Explain'
import { Rail } from '../../parts/Rail'
import { stepsOf } from '../../words/steps'
import { stageNotes } from '../../words/story'
import classes from './release.module.css'

/** The way to all of the traffic: weights, how long each was watched, and who is asked before it. */
export const Steps = memo(function Steps({ record: r }: { record: Record }) {
  const now = Date.parse(r.decisions[r.decisions.length - 1]?.time ?? '') || 0
  const notes = stageNotes(r, r.ended ? now : Date.now())
  const asked = r.approvals
  return (
    <section className="card" aria-label="Steps">
      <h2 className={classes.heading}>Steps <Explain what="steps" /></h2>
      {asked && <p className={classes.small}>Before the first: {asked.given.length > 0 ? `approved by ${asked.given.map((g) => g.who).join(', ')}` : `${asked.quorum} of ${asked.from}`}{asked.missing ? `, waits for ${asked.missing} more` : ''}</p>}
      <Rail steps={stepsOf(r.steps)} notes={notes} />
    </section>
  )
})

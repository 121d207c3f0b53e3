import { Container, Text } from '@mantine/core'
import { useState } from 'react'

import type { Course, Record } from '../../api/course'
import { utc } from '../../words/time'
import { ReleaseView, type Chosen } from './ReleaseView'

/** What a one-file report holds. */
export type ReportData = {
  /** When it was made, and by which version of Linnet. */
  made: string
  version: string
  record: Record
  /** The course of the metrics as a whole first, then that of each segment. */
  courses: Course[]
}

/** The page of a release as it stood when the report was made. */
export function ReportPage({ data }: { data: ReportData }) {
  const [chosen, choose] = useState<Chosen>({})
  const segment = chosen.segment && data.courses.find((c) => c.tracks.some((t) => t.segment === chosen.segment))
  return (
    <Container component="main" size="xl" py="lg">
      <Text size="sm" className="quiet" mb="md">A report of {utc(new Date(data.made))}, by Linnet {data.version}. It shows what was known then, and asks nobody.</Text>
      <ReleaseView record={data.record} course={data.courses[0]} segmentCourse={segment || undefined} chosen={chosen} choose={choose} />
    </Container>
  )
}

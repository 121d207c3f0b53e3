import { Container, Text } from '@mantine/core'

import type { Course, Record } from '../../api/course'
import { utc } from '../../words/time'

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
  return (
    <Container size="xl" py="lg">
      <Text size="sm" className="quiet">As of {utc(new Date(data.made))}, by Linnet {data.version}</Text>
    </Container>
  )
}

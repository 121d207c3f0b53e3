import { Button, Group, Stack, Text, TextInput, Title } from '@mantine/core'
import { IconCheck } from '@tabler/icons-react'
import { useState } from 'react'

import type { Schemas } from '../../api/client'
import { useForecast } from '../../api/plan'
import { Explain } from '../../parts/Explain'
import { TextLink } from '../../parts/links'
import { Rail } from '../../parts/Rail'
import { Loading, Wrong } from '../../parts/states'
import { stepsPlanned } from '../../words/steps'
import { duration } from '../../words/time'
import { Sights } from './Sights'
import css from './Plan.module.css'

/** What a file says: its steps, and on request what each can see. */
export function Told({ planned, file }: { planned: Schemas['Planned']; file: string }) {
  const least = planned.steps.reduce((sum, s) => sum + s.at_least_s, 0)
  const most = planned.steps.reduce((sum, s) => sum + s.at_most_s, 0)
  return (
    <>
      <section className="card" aria-labelledby="steps">
        <Group gap={6} mb="xs"><IconCheck size={18} color="var(--good)" aria-hidden /><Title order={2} size="h4" id="steps">{planned.name} is right</Title></Group>
        <Text size="sm" mb="sm">
          Of <TextLink to="/services/$service" params={{ service: planned.service }} c="inherit" inherit>{planned.service}</TextLink>, in {duration(least)} at the soonest, {duration(most)} where each step waits as long as it may.
          {planned.approval && ` ${planned.approval.quorum} of ${planned.approval.from} must approve before it begins.`}
        </Text>
        <Rail steps={stepsPlanned(planned.steps)} />
      </section>
      <Foresight key={planned.file_sha256} file={file} />
    </>
  )
}

function Foresight({ file }: { file: string }) {
  const [rate, setRate] = useState('')
  const [errors, setErrors] = useState('')
  const forecast = useForecast()
  const told = forecast.data?.forecast
  return (
    <section className="card" aria-labelledby="sight">
      <Group gap={2} mb="xs"><Title order={2} size="h4" id="sight">What the steps can see</Title><Explain what="forecast" /></Group>
      <form className={css.ask} onSubmit={(e) => {
        e.preventDefault()
        forecast.mutate({ file, rate: rate.trim(), errors: errors.trim() || undefined })
      }}>
        <TextInput label="Requests of the service" placeholder="100/s" required value={rate} onChange={(e) => setRate(e.currentTarget.value)} w={210} />
        <TextInput label="Share of them that fails" placeholder="0.5%" value={errors} onChange={(e) => setErrors(e.currentTarget.value)} w={210} />
        <Button type="submit" variant="default" loading={forecast.isPending}>Play it</Button>
      </form>
      <Stack mt="md" gap="md" role="status">
        {forecast.isPending && <><Text size="sm" className="quiet">The release is played many times over; this takes some seconds.</Text><Loading lines={4} /></>}
        {forecast.error && !forecast.isPending && <Wrong error={forecast.error} />}
        {told && !forecast.isPending && <Sights forecast={told} />}
      </Stack>
    </section>
  )
}

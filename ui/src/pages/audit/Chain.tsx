import { Alert, Button, Group, Text } from '@mantine/core'
import { IconCheck, IconShieldCheck } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'

import { client, take } from '../../api/client'
import { Explain } from '../../parts/Explain'
import { At } from '../../parts/time'
import { Wrong } from '../../parts/states'
import { counted } from '../../words/number'
import { sentence } from '../../words/text'
import css from './Audit.module.css'

/** Proves on demand that nothing in the audit was changed; that reads all of it, so it is not done unasked. */
export function Chain() {
  const proof = useQuery({ queryKey: ['audit-proof'], queryFn: ({ signal }) => take(client.GET('/v1/audit/proof', { signal })), enabled: false, retry: false, gcTime: 0 })
  return (
    <div role="status">
      <Group gap="xs">
        <Button variant="default" size="sm" leftSection={<IconShieldCheck size={16} aria-hidden />} loading={proof.isFetching} onClick={() => void proof.refetch()}>Prove that nothing was changed</Button>
        <Explain what="chain" />
        {proof.data?.holds && !proof.isFetching && (
          <Text size="sm"><IconCheck size={14} aria-hidden /> Unchanged: {counted(proof.data.lines, 'line')}, proved at <At time={proof.dataUpdatedAt} />.</Text>
        )}
      </Group>
      {proof.data?.holds && !proof.isFetching && proof.data.lines > 0 && <Text mt={4} className="quiet" size="xs">Head to keep elsewhere: <span className={css.head}>{proof.data.head}</span></Text>}
      {proof.data?.broken && !proof.isFetching && (
        <Alert mt="xs" color="red" role="alert" title={proof.data.broken.seq > 0 ? `The audit is not what was written, from line ${proof.data.broken.seq} on` : 'The audit is not what was written'}>
          {sentence(proof.data.broken.what)} {counted(proof.data.lines, 'line')} before it {proof.data.lines === 1 ? 'is' : 'are'} unchanged.
        </Alert>
      )}
      {proof.error && !proof.isFetching && <Wrong error={proof.error} again={() => void proof.refetch()} />}
    </div>
  )
}

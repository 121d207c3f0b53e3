import { Button, Menu } from '@mantine/core'
import { IconDots } from '@tabler/icons-react'
import { useState } from 'react'

import type { Record } from '../../api/course'
import { choices, type Choice, type Outcome, type Verb } from '../../words/orders'
import { OrderDialog } from './OrderDialog'
import classes from './release.module.css'

/** An order as a dialog sends it: the key stays the same while one dialog tries again. */
export type Order = { verb: Verb; reason: string; key: string; seen: Record }

/** Gives an order, and says what became of it. */
export type Act = (order: Order) => Promise<Outcome>

/** The orders that make sense now; what the release waits for stands out. */
export function Buttons({ record, act, me }: { record: Record; act: Act; me?: string }) {
  const [open, setOpen] = useState<Choice | null>(null)
  const all = choices(record, me)
  const rare = all.filter((c) => c.verb === 'retract')
  return (
    <div className={`${classes.buttons} no-print`} role="group" aria-label="Orders">
      {all.filter((c) => !rare.includes(c)).map((c) => (
        <Button key={c.verb} variant={c.main ? 'filled' : 'default'} size="sm" onClick={() => setOpen(c)}>{c.label}</Button>
      ))}
      {rare.length > 0 && (
        <Menu position="bottom-end">
          <Menu.Target><Button variant="default" size="sm" aria-label="More orders"><IconDots size={18} /></Button></Menu.Target>
          <Menu.Dropdown>{rare.map((c) => <Menu.Item key={c.verb} onClick={() => setOpen(c)}>{c.label}</Menu.Item>)}</Menu.Dropdown>
        </Menu>
      )}
      {open && <OrderDialog choice={open} record={record} act={act} close={() => setOpen(null)} />}
    </div>
  )
}

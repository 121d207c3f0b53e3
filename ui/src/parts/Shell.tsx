import { ActionIcon, Anchor, AppShell, Burger, Button, Group, NavLink, Text, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconMoon, IconSun } from '@tabler/icons-react'
import { Link, Outlet, useLocation } from '@tanstack/react-router'

import { Failure } from '../api/client'
import { useLive } from '../api/live'
import { loginURL, useMe } from '../api/me'
import { Stale } from './states'

const places = [
  { to: '/', label: 'Releases' },
  { to: '/services', label: 'Services' },
  { to: '/plan', label: 'Plan' },
  { to: '/audit', label: 'Audit' },
  { to: '/system', label: 'System' },
]

/** What all pages stand in: where one is, who one is, and whether what is shown is of now. */
export function Shell() {
  useLive()
  const [open, { toggle, close }] = useDisclosure(false)
  const path = useLocation({ select: (l) => l.pathname })
  const here = (to: string) => (to === '/' ? path === '/' || path.startsWith('/releases') : path.startsWith(to))
  const links = places.map((p) => (
    <NavLink key={p.to} component={Link} to={p.to} label={p.label} active={here(p.to)} aria-current={here(p.to) ? 'page' : undefined} onClick={close} w="auto" className="place" />
  ))
  return (
    <AppShell header={{ height: 52 }} navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !open, desktop: true } }} padding="md">
      <a href="#main" className="skip">Skip to the page</a>
      <AppShell.Header className="no-print">
        <Group h="100%" px="md" gap="md" wrap="nowrap">
          <Burger opened={open} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Menu" />
          <Anchor component={Link} to="/" c="inherit" underline="never" aria-label="Linnet, releases">
            <Group gap={8} wrap="nowrap"><img src="/favicon.svg" width={22} height={22} alt="" /><Text fw={700}>Linnet</Text></Group>
          </Anchor>
          <Group component="nav" aria-label="Pages" gap={2} visibleFrom="sm" wrap="nowrap">{links}</Group>
          <Group ml="auto" gap="sm" wrap="nowrap"><Who /><Scheme /></Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" className="no-print" aria-label="Menu">{links}</AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        <Stale />
        <Outlet />
      </AppShell.Main>
    </AppShell>
  )
}

function Who() {
  const me = useMe()
  if (me.error instanceof Failure && me.error.status === 401) return <Button component="a" href={loginURL()} size="compact-sm">Log in</Button>
  if (!me.data) return null
  return <Text size="sm" className="quiet" truncate maw={220} visibleFrom="xs" title={`You are ${me.data.name}`}>{me.data.name}</Text>
}

function Scheme() {
  const { setColorScheme } = useMantineColorScheme()
  const now = useComputedColorScheme('light')
  const next = now === 'dark' ? 'light' : 'dark'
  return (
    <ActionIcon variant="subtle" color="gray" aria-label={`Show in ${next}`} onClick={() => setColorScheme(next)}>
      {now === 'dark' ? <IconSun size={18} /> : <IconMoon size={18} />}
    </ActionIcon>
  )
}

import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'

import { outcomes, type Wanted } from './api/releases'
import { Releases } from './pages/releases/Releases'
import { Shell } from './parts/Shell'
import { Lost, Wrong } from './parts/states'
import type { AuditFilters } from './words/audit'
import { day, text } from './words/search'

const root = createRootRoute({ component: Shell, notFoundComponent: () => <Lost /> })

/** The filters of the list of releases, as they stand in the URL. */
export type Filters = Wanted & { before?: string }

const releases = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: (s: Record<string, unknown>): Filters => ({
    q: text(s.q), service: text(s.service), team: text(s.team), environment: text(s.environment),
    outcome: outcomes.find((o) => o === s.outcome), before: text(s.before),
  }),
  component: Releases, // the first page that most open: it comes with the frame
})

const release = createRoute({
  getParentRoute: () => root,
  path: '/releases/$name/$attempt',
  validateSearch: (s: Record<string, unknown>): { metric?: string; segment?: string } => ({ metric: text(s.metric), segment: text(s.segment, 1000) }),
  component: lazyRouteComponent(() => import('./pages/release/Release'), 'ReleasePage'),
})

const plan = createRoute({
  getParentRoute: () => root,
  path: '/plan',
  validateSearch: (s: Record<string, unknown>): { release?: string } => ({ release: text(s.release) }),
  component: lazyRouteComponent(() => import('./pages/plan/Plan'), 'Plan'),
})
const services = createRoute({ getParentRoute: () => root, path: '/services', component: lazyRouteComponent(() => import('./pages/services/Services'), 'Services') })
const service = createRoute({
  getParentRoute: () => root,
  path: '/services/$service',
  validateSearch: (s: Record<string, unknown>): { team?: string; environment?: string } => ({ team: text(s.team), environment: text(s.environment) }),
  component: lazyRouteComponent(() => import('./pages/services/Service'), 'ServicePage'),
})
const audit = createRoute({
  getParentRoute: () => root,
  path: '/audit',
  validateSearch: (s: Record<string, unknown>): AuditFilters & { before?: string } => ({
    who: text(s.who), what: text(s.what), object: text(s.object), denied: s.denied === true ? true : undefined,
    from: day(s.from), to: day(s.to), before: text(s.before),
  }),
  component: lazyRouteComponent(() => import('./pages/audit/Audit'), 'Audit'),
})
const system = createRoute({ getParentRoute: () => root, path: '/system', component: lazyRouteComponent(() => import('./pages/system/System'), 'System') })

export const router = createRouter({
  routeTree: root.addChildren([releases, release, plan, services, service, audit, system]),
  defaultPreload: 'intent',
  defaultErrorComponent: ({ error }) => <Wrong error={error instanceof Error ? error : new Error(String(error))} again={() => location.reload()} />,
  scrollRestoration: true,
  search: { strict: true }, // what a page does not know in its address is not sent on to the API
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}

import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'

import { Shell } from './parts/Shell'
import { Lost } from './parts/states'

const root = createRootRoute({ component: Shell, notFoundComponent: () => <Lost /> })

/** The filters of the list of releases, as they stand in the URL. */
export type Filters = { q?: string; service?: string; team?: string; environment?: string; outcome?: string; state?: string }

const text = (of: unknown) => (typeof of === 'string' && of !== '' ? of.slice(0, 200) : undefined)

const releases = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: (s: Record<string, unknown>): Filters => ({
    q: text(s.q), service: text(s.service), team: text(s.team), environment: text(s.environment), outcome: text(s.outcome), state: text(s.state),
  }),
  component: lazyRouteComponent(() => import('./pages/Releases'), 'Releases'),
})

const release = createRoute({
  getParentRoute: () => root,
  path: '/releases/$name/$attempt',
  validateSearch: (s: Record<string, unknown>): { metric?: string; segment?: string } => ({ metric: text(s.metric), segment: text(s.segment) }),
  component: lazyRouteComponent(() => import('./pages/release/Release'), 'ReleasePage'),
})

const plan = createRoute({
  getParentRoute: () => root,
  path: '/plan',
  validateSearch: (s: Record<string, unknown>): { release?: string } => ({ release: text(s.release) }),
  component: lazyRouteComponent(() => import('./pages/Plan'), 'Plan'),
})
const services = createRoute({ getParentRoute: () => root, path: '/services', component: lazyRouteComponent(() => import('./pages/Services'), 'Services') })
const service = createRoute({
  getParentRoute: () => root,
  path: '/services/$service',
  validateSearch: (s: Record<string, unknown>): { team?: string; environment?: string } => ({ team: text(s.team), environment: text(s.environment) }),
  component: lazyRouteComponent(() => import('./pages/Service'), 'ServicePage'),
})
const audit = createRoute({
  getParentRoute: () => root,
  path: '/audit',
  validateSearch: (s: Record<string, unknown>): { who?: string; what?: string; object?: string; denied?: boolean } => ({
    who: text(s.who), what: text(s.what), object: text(s.object), denied: s.denied === true ? true : undefined,
  }),
  component: lazyRouteComponent(() => import('./pages/Audit'), 'Audit'),
})
const system = createRoute({ getParentRoute: () => root, path: '/system', component: lazyRouteComponent(() => import('./pages/System'), 'System') })

export const router = createRouter({
  routeTree: root.addChildren([releases, release, plan, services, service, audit, system]),
  defaultPreload: 'intent',
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}

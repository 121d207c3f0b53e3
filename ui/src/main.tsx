import '@mantine/core/styles.css'
import 'uplot/dist/uPlot.min.css'
import './style.css'

import { MantineProvider } from '@mantine/core'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'

import { Failure } from './api/client'
import { router } from './router'
import { theme, variables } from './theme'

// What cannot come right by asking again is not asked again.
const retry = (count: number, error: Error) => count < 3 && error instanceof Failure && (error.status === 0 || error.status === 429 || error.status >= 500)
const queries = new QueryClient({ defaultOptions: { queries: { retry, staleTime: 2_000, refetchOnWindowFocus: true } } })
const nonce = document.querySelector('meta[name=csp-nonce]')?.getAttribute('content') ?? ''

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)

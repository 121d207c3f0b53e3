import '@mantine/core/styles.css'
import 'uplot/dist/uPlot.min.css'
import './style.css'

import { MantineProvider } from '@mantine/core'
import { createRoot } from 'react-dom/client'

import { ReportPage, type ReportData } from './pages/release/ReportPage'
import { theme, variables } from './theme'

const data = JSON.parse(document.getElementById('linnet-report')!.textContent!) as ReportData

createRoot(document.getElementById('root')!).render(
  <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto">
    <ReportPage data={data} />
  </MantineProvider>,
)

import { Anchor, Button, createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core'

/** The candidate's colour everywhere; the baseline's is grey. */
const amber: MantineColorsTuple = ['#fff8e6', '#ffefc7', '#ffe09a', '#ffd066', '#ffc24a', '#ffb224', '#e59a0c', '#b87700', '#8f5b00', '#6b4400']

const accent = { '--button-bg': 'var(--ink)', '--button-hover': 'var(--quiet)', '--button-color': 'var(--page)' }

export const theme = createTheme({
  primaryColor: 'dark',
  primaryShade: { light: 7, dark: 2 },
  autoContrast: true,
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  headings: { fontWeight: '650' },
  colors: { amber },
  components: {
    Anchor: Anchor.extend({ defaultProps: { underline: 'always' } }),
    // The one button that stands out is as dark as writing in the light, and as light as writing in the dark.
    Button: Button.extend({ vars: (_, props) => ({ root: (props.variant ?? 'filled') === 'filled' && !props.color ? accent : {} }) }),
  },
})

/**
 * The colours that mean something, by name. Grey is the baseline and amber the
 * candidate; red and green are verdicts alone, and never without a word. Each is at
 * least 4.5 to 1 against the page where text is written in it (the -text ones).
 */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-anchor': '#16191d', '--mantine-color-placeholder': '#59626d',
    '--page': '#f6f7f8', '--card': '#ffffff', '--line': '#dfe3e7', '--ink': '#16191d', '--quiet': '#59626d',
    '--baseline': '#7b8591', '--baseline-text': '#59626d', '--candidate': '#e08e00', '--candidate-text': '#8a5600',
    '--good': '#17753f', '--bad': '#c8281e', '--warn': '#8a5600', '--good-soft': '#e3f4e9', '--bad-soft': '#fdeceb', '--warn-soft': '#fff3d6', '--quiet-soft': '#eceff2',
  },
  dark: {
    '--mantine-color-body': '#191d22', '--mantine-color-default': '#22282f', '--mantine-color-default-hover': '#2a3138', '--mantine-color-default-border': '#3a424b',
    '--mantine-color-anchor': '#e8eaed', '--mantine-color-placeholder': '#a2abb5',
    '--page': '#111418', '--card': '#191d22', '--line': '#2f353c', '--ink': '#e8eaed', '--quiet': '#a2abb5',
    '--baseline': '#8e98a4', '--baseline-text': '#a9b2bc', '--candidate': '#ffb224', '--candidate-text': '#ffc24a',
    '--good': '#4cc38a', '--bad': '#ff7b72', '--warn': '#ffc24a', '--good-soft': '#11301f', '--bad-soft': '#3b1614', '--warn-soft': '#33260a', '--quiet-soft': '#242a31',
  },
})

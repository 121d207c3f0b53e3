import { expect, it } from 'vitest'

import { sentence, webAddress } from './text'

it('makes a sentence of a reason', () => {
  expect(sentence('errors are 5.9x the baseline’s')).toBe('Errors are 5.9x the baseline’s.')
  expect(sentence('Is it well?')).toBe('Is it well?')
  expect(sentence('  ')).toBe('')
})

it('follows addresses of the web alone', () => {
  expect(webAddress('https://example.com/a b')).toBe('https://example.com/a%20b')
  for (const bad of ['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', '/relative', '', 'nonsense']) expect(webAddress(bad)).toBeUndefined()
})

it('leaves names as they are at the beginning of a sentence', () => {
  expect(sentence('ann@example.com paused it')).toBe('ann@example.com paused it.')
  expect(sentence('local:root paused it')).toBe('local:root paused it.')
  expect(sentence('errors: too many')).toBe('Errors: too many.')
})

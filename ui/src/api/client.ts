import createClient, { type Middleware } from 'openapi-fetch'

import type { components, paths } from './schema'

/** The forms of the API, as its own document describes them. */
export type Schemas = components['schemas']
export type Me = Schemas['Me']
export type Release = Schemas['Release']
export type Problem = Schemas['Problem']

/** What went wrong with a request, in words that a person can use. */
export class Failure extends Error {
  constructor(
    /** The status of the answer; 0 where none came. */
    readonly status: number,
    /** The problem's code, such as "denied"; "unreachable" where no answer came. */
    readonly code: string,
    detail: string,
    readonly problem?: Problem,
  ) {
    super(detail)
  }
}

/** A wait for an answer that has taken this long is given up: longer than Linnet takes for any, to say itself what took too long. */
const patience = 60_000

const guarded: Middleware = {
  onRequest({ request }) {
    if (request.method !== 'GET' && csrf) request.headers.set('X-Linnet-CSRF', csrf)
    return new Request(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(patience)]) })
  },
}

/** The token of the browser's session, which goes with whatever changes something. */
let csrf = ''

/** Keeps what GET /v1/me told of the session. */
export function hasSession(token: string | undefined) {
  csrf = token ?? ''
}

export const client = createClient<paths>({ baseUrl: '/', credentials: 'same-origin' })
client.use(guarded)

type Answer<T> = { data?: T; error?: unknown; response: Response }

/** Unwraps an answer, or throws a Failure. */
export async function take<T>(asked: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>
  try {
    answer = await asked
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause
    if (cause instanceof DOMException && cause.name === 'TimeoutError') throw new Failure(0, 'slow', `Linnet has not answered within ${patience / 1_000} seconds.`)
    throw new Failure(0, 'unreachable', 'Linnet does not answer. Is it running, and is this machine connected?')
  }
  if (answer.response.ok && answer.data !== undefined) return answer.data
  const problem = answer.error as Problem | undefined
  throw new Failure(answer.response.status, problem?.code ?? 'unknown', problem?.detail ?? `Linnet answered ${answer.response.status}.`, problem)
}

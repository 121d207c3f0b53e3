import { client, Failure, take } from '../../api/client'
import type { Judgement, Record } from '../../api/course'
import type { Outcome } from '../../words/orders'
import { sentence } from '../../words/text'
import type { Order } from './Buttons'

/** How often an order is sent again where the release was only looked at meanwhile. */
const tries = 3

/** Which release a page is about. */
export type Which = { name: string; attempt: string }

/** Gives an order, and tells what became of it in words. */
export async function order(of: Which, o: Order): Promise<Outcome> {
  try {
    if (o.verb === 'retry') return await retry(of, o)
    return await ordered(of, o.verb, o)
  } catch (cause) {
    return wrong(cause)
  }
}

/**
 * An order that raises the weight goes with what the page showed: where something
 * else happened meanwhile, it is not taken. A look that left all as it was is
 * nothing else.
 */
async function ordered(of: Which, verb: Exclude<Order['verb'], 'retry'>, o: Order): Promise<Outcome> {
  const tied = verb === 'approve' || verb === 'advance'
  let seen = o.seen
  for (let left = tries; ; left--) {
    try {
      const answer = await take(client.POST(`/v1/releases/{name}/{attempt}/${verb}`, {
        params: { path: path(of), header: { 'Idempotency-Key': o.key, ...(tied ? { 'If-Match': `"${seen.records}"` } : {}) } },
        body: { reason: o.reason || undefined },
      }))
      if (!answer.taken) return { kind: 'waits', text: 'Nobody has taken it yet: whoever runs the release will, and the page shows what came of it.' }
      return { kind: answer.refused ? 'refused' : 'taken', text: answer.reason.text || `The candidate is at ${answer.weight ?? 'the same weight'}.` }
    } catch (cause) {
      if (!(cause instanceof Failure && cause.status === 412) || left <= 1) throw cause
      const now = await readRecord(of)
      if (!alike(seen, now)) throw cause
      seen = now
    }
  }
}

/** Whether a release stands as it was seen to. */
function alike(a: Record, b: Record): boolean {
  const verdicts = (r: Record) => r.standing.filter((c) => c.verdict === 'fail').map((c) => c.metric + c.segment).join()
  return a.phase === b.phase && a.step === b.step && a.weight === b.weight && a.outcome === b.outcome && verdicts(a) === verdicts(b)
}

async function retry(of: Which, o: Order): Promise<Outcome> {
  const made = await take(client.POST('/v1/releases/{name}/{attempt}/retry', {
    params: { path: path(of), header: { 'Idempotency-Key': o.key } }, body: { reason: o.reason || undefined },
  }))
  const { name, attempt } = made.release
  return { kind: 'begun', text: made.created ? `Attempt ${attempt} begins.` : `Attempt ${attempt} was there before.`, name, attempt }
}

function wrong(cause: unknown): Outcome {
  if (!(cause instanceof Failure)) return { kind: 'failed', text: cause instanceof Error ? cause.message : 'It could not be sent.' }
  if (cause.status === 403 || cause.status === 401) return { kind: 'denied', text: cause.message }
  if (cause.status === 412) return { kind: 'changed', text: 'The release is not any more as this page showed it. Look at it again, and send the order again if it is still right.' }
  if (cause.status === 409 || cause.status === 422) return { kind: 'refused', text: cause.message }
  return { kind: 'failed', text: `${sentence(cause.message)} Sent again it counts once.` }
}

/** Keeps what a person says of a decision. */
export async function assess(of: Which, judgement: Judgement, reason: string, key: string): Promise<void> {
  await take(client.POST('/v1/releases/{name}/{attempt}/assessment', { params: { path: path(of), header: { 'Idempotency-Key': key } }, body: { judgement, reason } }))
}

/** Reads the decision record. */
export function readRecord(of: Which, signal?: AbortSignal): Promise<Record> {
  return take(client.GET('/v1/releases/{name}/{attempt}/record', { params: { path: path(of) }, signal }))
}

export function path(of: Which) {
  return { name: of.name, attempt: of.attempt }
}

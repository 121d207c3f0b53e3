/** Where things are, as the Go test says. */
export const linnet = new URL(process.env.LINNET_BROWSER_URL ?? 'http://127.0.0.1:8440').origin
/** The identity provider that people log in with; empty where nobody logs in. */
export const issuer = process.env.LINNET_BROWSER_ISSUER ?? ''

/** What the Go test answers of a release. */
export type Begun = { name: string; attempt: number }

/** Has the Go test do something to the world outside of the browser, and waits until it is done. */
export async function ask<T = Begun>(what: string): Promise<T> {
  const answer = await fetch(`${process.env.LINNET_BROWSER_STAGE}/stage/${what}`, { method: 'POST' })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`the stage could not do ${what}: ${text}`)
  return JSON.parse(text) as T
}

/** The address of a release's page. */
export function pageOf(r: Begun): string {
  return `/releases/${r.name}/${r.attempt}`
}

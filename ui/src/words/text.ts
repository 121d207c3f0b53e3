/** A text with its first letter as a capital. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** A text as a sentence: it begins with a capital, unless with a name such as ann@example.com, and ends with a stop. */
export function sentence(text: string): string {
  const bare = text.trim()
  const said = /^[^\s]+[@:][^\s]/.test(bare) ? bare : capital(bare)
  return said === '' || /[.!?…]$/.test(said) ? said : said + '.'
}

/** An address if it leads to the web, and nothing otherwise: what others wrote is never run. */
export function webAddress(text: string): string | undefined {
  try {
    const url = new URL(text)
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : undefined
  } catch {
    return undefined
  }
}

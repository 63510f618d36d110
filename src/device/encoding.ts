const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The UTF-8 of a text. */
export const utf8 = (text: string): ArrayBuffer => new TextEncoder().encode(text).slice().buffer as ArrayBuffer

/** Base64url without padding (RFC 4648 section 5); not every runtime has `btoa`. */
export const base64url = (buffer: ArrayBuffer): string => {
  const bytes = new Uint8Array(buffer)
  let text = ''
  for (let at = 0; at < bytes.length; at += 3) {
    const [one = 0, two = 0, three = 0] = bytes.subarray(at, at + 3)
    const group = (one << 16) | (two << 8) | three
    const letters = [18, 12, 6, 0].map((shift) => ALPHABET[(group >> shift) & 63]).join('')
    text += letters.slice(0, Math.min(3, bytes.length - at) + 1)
  }
  return text
}

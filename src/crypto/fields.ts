/** The same as one text, for a name in memory. */
export const joinFields = (fields: readonly string[]): string => {
  let text = ''
  for (const field of fields) text += `${field.length}:${field}`
  return text
}

/**
 * Joins fields into one byte string that no other list of fields gives: each is preceded by its length.
 *
 * UTF-16 keeps every code unit as it is, whereas UTF-8 turns all lone surrogates into one replacement
 * character, and so two different identifiers into the same bytes.
 */
export const encodeFields = (fields: readonly string[]): Buffer => {
  // Every byte is written below.
  const bytes = Buffer.allocUnsafe(fields.reduce((size, field) => size + 4 + field.length * 2, 0))
  let end = 0
  for (const field of fields) {
    end = bytes.writeUInt32BE(field.length * 2, end)
    end += bytes.write(field, end, 'utf16le')
  }
  return bytes
}

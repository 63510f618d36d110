import { DeviceError } from './error.ts'
import type { DeviceStream } from './platform.ts'

const MAX_LENGTH = 262_144

const fieldOf = (line: string) => {
  const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
  return { name, value }
}

/** Puts events together from the lines of a stream. */
const createCollector = (onEvent: (name: string, data: string) => void) => {
  let event = ''
  let data: string[] = []
  return (line: string) => {
    if (line === '') {
      if (data.length > 0) onEvent(event || 'message', data.join('\n'))
      event = ''
      data = []
      return
    }
    const { name, value } = fieldOf(line)
    if (name === 'event') event = value
    if (name === 'data') data.push(value)
  }
}

/**
 * Reads server-sent events until the stream ends.
 *
 * @param onPart called for whatever comes, comments included.
 * @throws DeviceError `invalid_answer` where an event is too long for any that is meant here.
 * @see HTML Living Standard, Server-sent events, section 9.2.6
 */
export const readEvents = async (
  stream: DeviceStream,
  onEvent: (name: string, data: string) => void,
  onPart: () => void,
): Promise<void> => {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  const collect = createCollector(onEvent)
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      onPart()
      const lines = (rest + decoder.decode(value, { stream: true })).split(/\r\n|\n|\r(?!$)/)
      rest = lines.pop() ?? ''
      if (rest.length > MAX_LENGTH) throw new DeviceError('invalid_answer', 'An event is too long.')
      for (const line of lines) collect(line)
    }
  } finally {
    reader.cancel().catch(() => undefined)
  }
}

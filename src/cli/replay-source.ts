import { once } from 'node:events'
import { createReadStream, statSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type { LineSplitter } from '../replay/lines.ts'

/** So much is read at once. */
const CHUNK_BYTES = 1024 * 1024

/** A recording as bytes. */
export interface RecordingSource {
  /** Its size on disk, in bytes; undefined where nobody can tell. */
  readonly size: number | undefined
  /** So much of that was read. */
  readonly position: () => number
  readonly stream: Readable
  readonly isPacked: boolean
}

/** Opens a recording: a file, one that is packed where its name ends in `.gz`, or standard input for `-`. */
export const openRecording = (file: string): RecordingSource => {
  if (file === '-') return { size: undefined, position: () => 0, stream: process.stdin, isPacked: false }
  const status = statSync(file)
  const stream = createReadStream(file, { highWaterMark: CHUNK_BYTES })
  return {
    size: status.isFile() ? status.size : undefined,
    position: () => stream.bytesRead,
    stream,
    isPacked: file.endsWith('.gz'),
  }
}

/** Waits for the stream to have been opened, so that what is missing is said at once. */
const opened = async (stream: Readable) => {
  if ('pending' in stream && stream.pending === true) await once(stream, 'open')
}

/** Feeds a recording to whoever takes its lines. */
export const feed = async (
  { stream, isPacked }: RecordingSource,
  into: LineSplitter,
  progress: () => void,
): Promise<void> => {
  await opened(stream)
  const take = async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      into.push(chunk)
      progress()
    }
  }
  if (isPacked) await pipeline(stream, createGunzip({ chunkSize: CHUNK_BYTES }), take)
  else await pipeline(stream, take)
  into.end()
}

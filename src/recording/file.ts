import { type FileHandle, open, rename, stat, unlink } from 'node:fs/promises'
import { resolve } from 'node:path'
import { StepUpError } from '../errors.ts'
import { createWarning } from './recorder.ts'

/** Where a recording is kept. */
export interface FileRecorderOptions {
  /** The file; its directory has to exist. One process writes it. */
  readonly path: string
  /** How large it grows before it becomes `path.1`, in bytes. Default 100 MiB, at least 4096. */
  readonly maxBytes?: number
  /** How many of those before it are kept: `path.1` is the newest. Default 3, from 0 to 100. */
  readonly keep?: number
}

/** A recorder that appends to a file: spread it, and say beside it what is to be recorded. */
export interface FileRecorder {
  /** Appends a line soon; never waits, never throws. */
  write(line: string): void
  /** Writes what still waits, and takes no more. */
  close(): Promise<void>
}

const DEFAULT_BYTES = 100 * 1024 * 1024
const LEAST_BYTES = 4096
const DEFAULT_KEEP = 3
const MOST_KEPT = 100
const MAX_QUEUE_BYTES = 8 * 1024 * 1024
const BATCH_BYTES = 256 * 1024
const RETRY_MILLISECONDS = 1000
/** Only its owner reads it. */
const MODE = 0o600

const isMissing = (fault: unknown) => (fault as NodeJS.ErrnoException).code === 'ENOENT'

const unlessMissing = (fault: unknown) => {
  if (!isMissing(fault)) throw fault
}

const refuse = (path: string, found: unknown, allowed: string): never => {
  throw new StepUpError(
    'ERR_CONFIG',
    `recordToFile(options): ${path}: found ${JSON.stringify(found)}; allowed: ${allowed}`,
  )
}

const isBetween = (value: number, least: number, most: number) =>
  Number.isSafeInteger(value) && value >= least && value <= most

const check = ({ path, maxBytes, keep }: Required<FileRecorderOptions>) => {
  if (typeof path !== 'string' || path === '') refuse('path', path, 'the path of a file')
  if (!isBetween(maxBytes, LEAST_BYTES, Number.MAX_SAFE_INTEGER))
    refuse('maxBytes', maxBytes, `a whole number of bytes, at least ${LEAST_BYTES}`)
  if (!isBetween(keep, 0, MOST_KEPT)) refuse('keep', keep, `a whole number from 0 to ${MOST_KEPT}`)
}

/** A file that others may move or remove at any time. */
const createLog = ({ path, maxBytes, keep }: Required<FileRecorderOptions>) => {
  let handle: FileHandle | undefined
  const drop = async () => {
    const open = handle
    handle = undefined
    await open?.close().catch(() => undefined)
  }
  const isStillThere = async (own: FileHandle) => {
    const there = await stat(path).catch((fault) => unlessMissing(fault))
    return there?.ino === (await own.stat()).ino
  }
  const current = async (): Promise<FileHandle> => {
    if (handle !== undefined && !(await isStillThere(handle))) await drop()
    handle ??= await open(path, 'a', MODE)
    return handle
  }
  const rotate = async () => {
    await drop()
    if (keep === 0) return unlink(path).catch(unlessMissing)
    for (let number = keep - 1; number >= 1; number -= 1)
      await rename(`${path}.${number}`, `${path}.${number + 1}`).catch(unlessMissing)
    return rename(path, `${path}.1`).catch(unlessMissing)
  }
  return {
    drop,
    async append(text: string) {
      const { size } = await (await current()).stat()
      if (size > 0 && size + text.length > maxBytes) await rotate()
      await (await current()).appendFile(text, 'latin1')
    },
  }
}

const INTERRUPTED = '\n'

/** Lines that wait for their file. What cannot be written is lost and counted; the rest waits for a better time. */
const createQueue = (append: (text: string) => Promise<void>, drop: () => Promise<void>) => {
  const warning = createWarning()
  const lines: string[] = []
  let bytes = 0
  let lost = 0
  let head = ''
  const nextBatch = () => {
    let size = 0
    let count = 0
    while (count < lines.length && size < BATCH_BYTES) {
      size += (lines[count] as string).length + 1
      count += 1
    }
    bytes -= size
    return lines.splice(0, count)
  }
  return {
    get length() {
      return lines.length
    },
    add(line: string) {
      if (bytes + line.length > MAX_QUEUE_BYTES) lost += 1
      else {
        lines.push(line)
        bytes += line.length + 1
      }
    },
    /** Whether all that waited is written. */
    async flush(): Promise<boolean> {
      while (lines.length > 0) {
        const gap = lost === 0 ? [] : [`{"v":1,"dropped":${lost}}`]
        const batch = nextBatch()
        const told = lost
        try {
          await append(`${head}${[...gap, ...batch].join('\n')}\n`)
          head = ''
          lost -= told
          warning.works()
        } catch (fault) {
          lost += batch.length
          // Half a line may stand there already.
          head = INTERRUPTED
          warning.tell(fault)
          await drop()
          return false
        }
      }
      return true
    },
  }
}

/**
 * Records to a file that only its owner reads. It is appended to off the event loop, and kept to a bounded size by
 * rotation; what others do to the file or its directory, and a disk that is full, lose lines and nothing else. A line
 * of its own tells how many.
 *
 * @example
 * ```ts
 * stepUp({ …, recordDecisions: { ...recordToFile({ path: 'decisions.ndjson' }), facts: ['location'] } })
 * ```
 * @throws StepUpError `ERR_CONFIG` where an option is none.
 */
export const recordToFile = (options: FileRecorderOptions): FileRecorder => {
  const complete = { maxBytes: DEFAULT_BYTES, keep: DEFAULT_KEEP, ...options }
  check(complete)
  const { append, drop } = createLog({ ...complete, path: resolve(complete.path) })
  const queue = createQueue(append, drop)
  let writing: Promise<void> | undefined
  let isClosed = false
  let retryAt = 0
  const work = async () => {
    if (!(await queue.flush())) retryAt = performance.now() + RETRY_MILLISECONDS
    writing = undefined
    if (isClosed) await drop()
  }
  return Object.freeze<FileRecorder>({
    write(line) {
      if (isClosed) return
      queue.add(line)
      if (performance.now() >= retryAt) writing ??= work()
    },
    async close() {
      isClosed = true
      await writing
      await work()
    },
  })
}

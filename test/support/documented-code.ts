import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import typescript from 'typescript'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** What the documents speak of without saying where it comes from: the host's own. */
const HOST = `
import type { Account, AccountEntry, Accounts, StepUp, StepUpOptions, Store } from 'oidc-step-up'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'
import type { Configuration } from 'oidc-provider'
import type { Context, Next } from 'koa'

interface Request extends IncomingMessage { params: { uid: string }, body: { passkey?: string } }
interface Response extends ServerResponse {
  render(view: string, locals: object): void
  redirect(status: number, path: string): void
}
type Route = (path: string, handler: (req: Request, res: Response) => unknown) => void

declare global {
  const app: { use(middleware: (ctx: Context, next: Next) => unknown): void, get: Route, post: Route }
  const provider: Provider
  const mfa: StepUp
  const issuer: string
  const host: Configuration
  const hostConfiguration: Configuration
  const users: Map<string, Account>
  const account: StepUpOptions['account']
  const factors: StepUpOptions['factors']
  const sealingKeys: string[]
  const accountSid: string
  const authToken: string
  const from: string
  const messagingServiceSid: string
  const gateway: { send(to: string, text: string): Promise<{ ok: boolean, noSuchNumber: boolean }> }
  function myStore(): Store & Accounts
  function signIn(ctx: Context): void
  function signInByPassword(req: Request, res: Response): void
  function warn(accountId: string): void
  function mail(accountId: string, text: string): void
}
`

const OPTIONS: typescript.CompilerOptions = {
  target: typescript.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
  module: typescript.ModuleKind.NodeNext,
  moduleDetection: typescript.ModuleDetectionKind.Force,
  types: ['node', 'mocha'],
  strict: true,
  noEmit: true,
  verbatimModuleSyntax: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  allowImportingTsExtensions: true,
  skipLibCheck: true,
}

/** The TypeScript in a document, and JavaScript modules, by the line they begin in. */
const blocksOf = (document: string) => {
  const text = readFileSync(path.join(root, document), 'utf8')
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(({ index, 1: code = '' }) => ({
    name: `${document}:${text.slice(0, index).split('\n').length + 1}`,
    code,
  }))
}

/**
 * What a strict compiler says of the TypeScript in these documents, and how much of it there is. They import the built
 * package in this folder as anybody does who has installed it.
 */
export const compileDocuments = (folder: string, documents: readonly string[]) => {
  const blocks = documents.flatMap(blocksOf)
  const files = new Map(blocks.map(({ code }, index) => [path.join(folder, `documented-${index}.ts`), code]))
  const ambient = path.join(folder, 'documented.d.ts')
  const texts = new Map([...files, [ambient, HOST]])
  const compiler = typescript.createCompilerHost(OPTIONS)
  const program = typescript.createProgram([...texts.keys()], OPTIONS, {
    ...compiler,
    fileExists: (file) => texts.has(file) || compiler.fileExists(file),
    readFile: (file) => texts.get(file) ?? compiler.readFile(file),
    getSourceFile: (file, language) => {
      const text = texts.get(file)
      return text === undefined
        ? compiler.getSourceFile(file, language)
        : typescript.createSourceFile(file, text, language)
    },
  })
  const problems = [...texts.keys()].flatMap((file, index) => {
    const source = program.getSourceFile(file)
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
    return found.map(({ start, messageText }) => {
      const line = source?.getLineAndCharacterOfPosition(start ?? 0).line ?? 0
      return `${blocks[index]?.name ?? 'what is declared'} +${line}: ${typescript.flattenDiagnosticMessageText(messageText, ' ')}`
    })
  })
  return { count: blocks.length, problems }
}

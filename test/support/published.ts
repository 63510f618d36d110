import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import typescript from 'typescript'

/** What of a manifest says how a package is imported. */
export interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string | null | { readonly types: string; readonly default: string }>>
  readonly bin: Readonly<Record<string, string>>
  readonly files: readonly string[]
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

/** A module that people import, by what they write and by its file, relative to the package. */
export interface PublicModule {
  readonly specifier: string
  readonly file: string
  readonly types: string
}

export const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))

/** Peers that only a part of the package needs. */
export const optionalPeersOf = ({ peerDependenciesMeta = {} }: Manifest): string[] =>
  Object.keys(peerDependenciesMeta).filter((name) => peerDependenciesMeta[name]?.optional)

/** Every file below a folder, relative to the package. */
export const filesBelow = (root: string, folder: string): string[] =>
  readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .sort()

/** What stands for `*` where a text has the shape of a pattern. */
const starIn = (pattern: string, text: string): string | undefined => {
  const [start = '', end] = pattern.split('*')
  if (end === undefined) return pattern === text ? '' : undefined
  const fits = text.length >= start.length + end.length && text.startsWith(start) && text.endsWith(end)
  return fits ? text.slice(start.length, text.length - end.length) : undefined
}

/**
 * The modules that the `exports` of an unpacked package name, patterns resolved as Node does: `*` stands for slashes
 * too, and a subpath whose longest pattern is `null` is closed.
 *
 * @see Node.js documentation, Modules: Packages, "Subpath patterns"
 */
export const publicModules = (folder: string): PublicModule[] => {
  const { name, exports } = readManifest(folder)
  const files = filesBelow(folder, 'dist')
  const patterns = Object.keys(exports).sort((one, other) => other.indexOf('*') - one.indexOf('*'))
  return Object.entries(exports).flatMap(([subpath, target]) => {
    if (target === null || typeof target === 'string') return []
    const stars = subpath.includes('*') ? files.map((file) => starIn(target.default, `./${file}`)) : ['']
    return stars.flatMap((star) => {
      if (star === undefined) return []
      const asked = subpath.replace('*', star)
      const winner = asked in exports ? asked : patterns.find((pattern) => starIn(pattern, asked) !== undefined)
      if (winner !== subpath) return []
      const [file, types] = [target.default, target.types].map((one) => path.posix.normalize(one.replace('*', star)))
      return [{ specifier: path.posix.join(name, asked), file: file ?? '', types: types ?? '' }]
    })
  })
}

/** What a file imports: everything, or without what `import()` loads later. */
interface Imports {
  readonly all: readonly string[]
  readonly atOnce: readonly string[]
}

const readImports = (file: string): Imports => {
  const text = readFileSync(file, 'utf8')
  const source = typescript.createSourceFile(file, text, typescript.ScriptTarget.Latest)
  const atOnce = source.statements.flatMap((statement) => {
    const isImport = typescript.isImportDeclaration(statement) || typescript.isExportDeclaration(statement)
    const from = isImport ? statement.moduleSpecifier : undefined
    return from && typescript.isStringLiteral(from) ? [from.text] : []
  })
  return { all: typescript.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName), atOnce }
}

const known = new Map<string, Imports>()
const importsIn = (file: string): Imports => {
  const imports = known.get(file) ?? readImports(file)
  known.set(file, imports)
  return imports
}

const packageOf = (specifier: string) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

/** The packages that a file of an unpacked package leads to, by itself and by all it imports from its own package. */
export const packagesReached = (folder: string, file: string, reach: keyof Imports = 'all'): string[] => {
  const seen = new Set<string>()
  const packages = new Set<string>()
  const visit = (one: string) => {
    if (seen.has(one)) return
    seen.add(one)
    for (const specifier of importsIn(one)[reach]) {
      const declared = one.endsWith('.d.ts') ? specifier.replace(/\.[jt]s$/, '.d.ts') : specifier
      if (specifier.startsWith('.')) visit(path.resolve(path.dirname(one), declared))
      else if (!specifier.startsWith('node:')) packages.add(packageOf(specifier))
    }
  }
  visit(path.join(folder, file))
  return [...packages].sort()
}

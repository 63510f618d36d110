import { source } from './source.mjs'

/** Resolves this package's own name to its sources, so that examples run on these and not on the last build. */
export const resolve = (specifier, context, next) => {
  const [name, ...path] = specifier.split('/')
  if (name !== 'oidc-step-up') return next(specifier, context)
  return next(source(path.join('/') || 'index'), context)
}

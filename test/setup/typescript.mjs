import 'ts-blank-space/register'
import Module from 'node:module'

// Where require() can load modules, mocha prefers it to import(). But no stripping hook sees what is required: a
// test would run with its types left in, or stripped otherwise than the source it tests, and the true reason of
// a failed import would be lost. So mocha is told that only import() will do.
Object.defineProperty(process.features, 'require_module', { value: false })
Module._extensions['.ts'] = () => {
  throw Object.assign(new Error('TypeScript is imported here, never required'), { code: 'ERR_REQUIRE_ESM' })
}

export { type Auth0Action, auth0Action, auth0Actions } from './action.ts'
export type { Auth0Api, Auth0FactorName } from './api.ts'
export type { Auth0Context, Auth0User } from './context.ts'
export type { Auth0Event } from './event.ts'
export type { Auth0ActionOptions, Auth0Factor, Auth0Factors, Auth0Options } from './options.ts'
export {
  type Auth0Callback,
  type Auth0Rule,
  auth0Rule,
  auth0Rules,
  UnauthorizedError,
  type UnauthorizedErrorConstructor,
} from './rule.ts'

import type { Location } from './facts.ts'

/** Tells where addresses are. `oidc-step-up/geo/maxmind` makes one from database files; anything can stand in. */
export interface Geo {
  /**
   * Where an address is, as far as it is known; undefined where nothing is. Throwing, rejecting, and two seconds of
   * silence leave the location unknown too, which never makes a sign-in look better.
   *
   * @param address - An IP address in its shortest form, IPv4 never mapped into IPv6; private ones come as well.
   */
  locate(address: string): Location | undefined | Promise<Location | undefined>
}

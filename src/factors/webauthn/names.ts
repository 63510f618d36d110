/** Keepers of passkeys by their AAGUID, under the names that people know them by. */
const KEEPERS: ReadonlyMap<string, string> = new Map([
  ['fbfc3007-154e-4ecc-8c0b-6e020557d7bd', 'Apple Passwords'],
  ['dd4ec289-e01d-41c9-bb89-70fa845d4bf2', 'Apple Passwords'],
  ['ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4', 'Google Password Manager'],
  ['adce0002-35bc-c60a-648b-0b25f1f05503', 'Chrome on Mac'],
  ['08987058-cadc-4b81-b6e1-30de50dcbe96', 'Windows Hello'],
  ['9ddd1817-af5a-4672-a2b9-3e3dd95000a9', 'Windows Hello'],
  ['6028b017-b1d4-4c02-b4b3-afcdafc96bb2', 'Windows Hello'],
  ['53414d53-554e-4700-0000-000000000000', 'Samsung Pass'],
  ['bada5566-a7aa-401f-bd96-45619a55120d', '1Password'],
  ['d548826e-79b4-db40-a3d8-11116f7e8349', 'Bitwarden'],
  ['531126d6-e717-415c-9320-3d9aa6981239', 'Dashlane'],
  ['fdb141b2-5d84-443e-8a35-4698c205a502', 'KeePassXC'],
  ['0ea242b4-43c4-4a1b-8b17-dd6d0b6baec6', 'Keeper'],
  ['b84e4048-15dc-4dd0-8640-f4f60813c8af', 'NordPass'],
  ['50726f74-6f6e-5061-7373-50726f746f6e', 'Proton Pass'],
])

/**
 * What people call the keeper of passkeys with this AAGUID; undefined for unknown ones.
 *
 * @see the community list "passkey-authenticator-aaguids"
 */
export const keeperOf = (aaguid: string): string | undefined => KEEPERS.get(aaguid)

const MAX_NAME = 60

/** One line of what was typed, without what could turn the text around it. */
const lineOf = (typed: string) => {
  const line = typed
    .normalize('NFC')
    .replace(/[\s\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .trim()
  return [...line].slice(0, MAX_NAME).join('').trim()
}

/** What to call a new key: as its owner did, else by its keeper, else in the page's words for its kind, if any. */
export const nameOf = (typed: string, aaguid: string, kind: string): string | undefined =>
  lineOf(typed) || keeperOf(aaguid) || lineOf(kind) || undefined

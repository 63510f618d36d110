import type { Kind, Proof, Trait } from '../assurance/evidence.ts'
import { once } from '../once.ts'

const KINDS: Readonly<Record<Kind, string>> = { knowledge: 'k', possession: 'p', inherence: 'i' }

const TRAITS: Readonly<Record<Trait, string>> = {
  'phishing-resistant': 'p',
  'replay-resistant': 'r',
  'user-verified': 'u',
  hardware: 'h',
  'out-of-band': 'o',
  restricted: 'x',
  recovery: 'c',
  address: 'a',
}

const reversed = <Word extends string>(table: Readonly<Record<Word, string>>) =>
  new Map(Object.entries(table).map(([word, letter]) => [letter as string, word as Word]))

const KIND_OF = reversed(KINDS)
const TRAIT_OF = reversed(TRAITS)

/** A proof in a few letters, kinds before traits: `p`, `pi:pu`. What a method is called is left out. */
export const proofText = ({ kinds, traits }: Pick<Proof, 'kinds' | 'traits'>): string => {
  const letters = kinds.map((kind) => KINDS[kind]).join('')
  return traits.length === 0 ? letters : `${letters}:${traits.map((trait) => TRAITS[trait]).join('')}`
}

const wordsOf = <Word>(letters: string, table: ReadonlyMap<string, Word>): readonly Word[] =>
  [...letters].map((letter) => {
    const word = table.get(letter)
    if (word === undefined) throw new RangeError(`"${letter}" stands for nothing in a proof`)
    return word
  })

const read = (text: string): Pick<Proof, 'kinds' | 'traits'> => {
  const [kinds = '', traits = ''] = text.split(':')
  return Object.freeze({ kinds: wordsOf(kinds, KIND_OF), traits: wordsOf(traits, TRAIT_OF) })
}

/** As many as there are proofs: 2 to the power of all letters; nobody writes more than a few of them. */
const MAX_LENGTH = 12

const known = once(read)

/**
 * Reads what {@link proofText} wrote.
 *
 * @throws RangeError where it is nothing like that.
 */
export const readProof = (text: string): Pick<Proof, 'kinds' | 'traits'> => {
  if (typeof text !== 'string' || text.length > MAX_LENGTH) throw new RangeError('a proof is a few letters')
  return known(text)
}

import type { Step } from '../factors/factor.ts'
import type { Letter } from './dispatch.ts'
import type { Open, Scene } from './scene.ts'

/** A newer letter of the same ceremony drops what is left of an older one. */
const aboutOf = ({ place: { id, purpose, account, factor } }: Scene) =>
  JSON.stringify([purpose, account.id, id, factor.id])

/** The message of a step as it is sent; undefined where it has none. */
export const letterOf = (scene: Scene, { message }: Step & { outcome: 'continue' }): Letter | undefined => {
  const { account, factor, purpose, client, address, locale } = scene.place
  return (
    message && {
      factor,
      accountId: account.id,
      purpose,
      clientId: client?.id,
      address,
      message,
      locale,
      about: aboutOf(scene),
    }
  )
}

/** The code has come back: its reader may have the next at once. */
export const answered = async (scene: Scene, { sentTo }: Pick<Open, 'sentTo'>) => {
  const { account, factor, purpose } = scene.place
  if (factor.sender !== undefined)
    await scene.dispatcher.answered({ factor, accountId: account.id, purpose, about: aboutOf(scene), to: sentTo })
}

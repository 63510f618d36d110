const ENDINGS = {
  no_challenge: 'expired',
  unknown_device: 'removed',
  unknown_account: 'removed',
  invalid_statement: 'removed',
}

/** Sends an answer, and shows what came of it; `say` tells what can be mended. */
export const answer = async (app, challenge, send, say) => {
  const { t } = app
  try {
    app.answered.add(challenge.reference)
    const outcome = await send()
    void app.push.clear()
    return app.end(outcome)
  } catch ({ code, left, retryAfterSeconds = 30 }) {
    if (code === 'wrong_number' && left === 0) return app.end('dead')
    if (ENDINGS[code] !== undefined) return app.end(ENDINGS[code], { account: challenge })
    app.answered.delete(challenge.reference)
    if (code === 'wrong_number') return say(t(`challenge.wrong.${left === 1 ? 'one' : 'many'}`, { left }))
    if (code === 'too_many_requests') return say(t('challenge.slow', { seconds: retryAfterSeconds }))
    return say(t('challenge.failed'))
  }
}

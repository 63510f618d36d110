import assert from 'node:assert/strict'
import type { PushState } from '../../src/factors/push.ts'
import { answered, at, CHROME, type Context, going, held, make, NOW, refusal, soft, stateOf } from './push-support.ts'

describe('factors/push: who asks, and for what', () => {
  const factor = make()
  const { challenge } = factor
  const device = soft()
  const phone = held(device)

  const begin = async (context: Context) => ({ state: stateOf(going(await challenge.begin(context)), 'challenge') })
  const shown = (state: PushState) => challenge.outline?.(state, at(NOW, [phone])) ?? {}
  const approval = (state: PushState, more = {}) => {
    const { number } = state as { number?: string }
    return device.answer(shown(state), 'approve', { number, ...more })
  }

  const details = [{ type: 'payment', amount: '45.00' }]
  const asked = (transaction: Context['transaction']) =>
    at(NOW, [phone], transaction === undefined ? {} : { transaction })

  it('digits in the binding message are typed, and not shown', async () => {
    for (const bindingMessage of ['07', '123456']) {
      const { state } = await begin(asked({ bindingMessage, authorizationDetails: details }))
      const outline = shown(state)
      assert.deepEqual([outline.match, outline.message, outline.details], ['number', undefined, details])
      assert.ok(!JSON.stringify(outline).includes(`"${bindingMessage}"`))
      assert.equal((await answered(factor, state, approval(state), phone)).outcome, 'accepted')
      assert.deepEqual(await answered(factor, state, approval(state, { number: '7' }), phone), refusal('invalid'))
    }
  })

  it('any other message is compared, with the details where there are any', async () => {
    for (const [bindingMessage, message] of [
      ['W4SCT', 'W4SCT'],
      ['1', '1'],
      ['1234567', '1234567'],
      ['Pay \u202eevil\n now', 'Pay evil now'],
    ] as const) {
      const { state } = await begin(asked({ bindingMessage, authorizationDetails: details }))
      const { match, message: seen, details: listed } = shown(state)
      assert.deepEqual([match, seen, listed], ['message', message, details])
      const { number: _number, ...view } = Object(await challenge.view(state, asked({})))
      assert.deepEqual(_number, undefined)
      assert.equal(view.isExpired, false)
      assert.equal((await answered(factor, state, device.answer(shown(state), 'approve'), phone)).outcome, 'accepted')
    }
  })

  it('details alone are shown, and nothing at all is not asked', async () => {
    const { state } = await begin(asked({ authorizationDetails: details }))
    assert.deepEqual([shown(state).match, 'message' in shown(state)], ['message', false])
    for (const nothing of [{}, { bindingMessage: '' }, { bindingMessage: ' \n', authorizationDetails: [] }])
      assert.deepEqual(await challenge.begin(asked(nothing)), refusal('unavailable'))
  })

  it('tells browsers by fixed words, whatever they call themselves', async () => {
    const apple = 'AppleWebKit/605.1.15 (KHTML, like Gecko)'
    for (const [userAgent, words] of [
      [CHROME, 'Chrome on Windows'],
      [`${CHROME} Edg/131.0.0.0`, 'Edge on Windows'],
      [`${CHROME} OPR/116.0.0.0`, 'Opera on Windows'],
      ['Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0', 'Firefox on Linux'],
      [`Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${apple} Version/18.1 Safari/605.1.15`, 'Safari on Mac'],
      [
        `Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) ${apple} CriOS/131.0 Mobile/15E148 Safari/604.1`,
        'Chrome on iPhone',
      ],
      [
        `Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) ${apple} FxiOS/133.0 Mobile/15E148 Safari/605.1.15`,
        'Firefox on iPad',
      ],
      [
        'Mozilla/5.0 (Linux; Android 14) SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36',
        'Samsung Internet on Android',
      ],
      ['Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) Chrome/131.0.0.0 Safari/537.36', 'Chrome on ChromeOS'],
      ['Something on Windows you should approve', 'Windows'],
      ['curl/8.5.0', undefined],
      [`${'x'.repeat(600)} Firefox/1`, undefined],
      ['', undefined],
    ] as const) {
      const { state } = await begin(at(NOW, [phone], { requester: { userAgent } }))
      assert.equal(state.browser, words, userAgent)
    }
  })
})

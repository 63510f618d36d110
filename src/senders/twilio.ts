export { type TwilioLookupOptions, twilioLookup } from './twilio/lookup.ts'
export { type TwilioMessagingOptions, twilioMessaging } from './twilio/messaging.ts'
export type { TwilioAccess } from './twilio/options.ts'
export { type TwilioVerifyOptions, twilioVerify } from './twilio/verify.ts'
export {
  type TwilioStatus,
  type TwilioStatusWebhook,
  type TwilioStatusWebhookOptions,
  twilioStatusWebhook,
} from './twilio/webhook.ts'

export { type FileRecorder, type FileRecorderOptions, recordToFile } from './file.ts'
export type { DecisionRecorder } from './recorder.ts'

import { Writable } from 'node:stream';
import { createLog } from '../../src/infra/log.ts';

/** A log that nobody reads. */
export const silentLog = createLog('silent', new Writable({ write: (_, __, done) => done() }));

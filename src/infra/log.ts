import type { Logger } from 'pino';

/** Structured log. Facts are ids, codes, counts and times; personal data and secrets never. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

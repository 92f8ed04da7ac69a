import { pino, type DestinationStream, type Logger } from 'pino';

/** Structured log. Facts are ids, codes, counts and times; personal data and secrets never. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** Levels, most talkative first. ERROR means that someone must act. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/*
 * A second line of defence: nobody should log these, and where somebody does, they do not get out. Names as they stand in
 * HTTP requests, configuration and applications, at the top and one and two levels down.
 */
const neverLogged = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'token',
  'apiKey',
  'headers',
  'body',
  'payload',
  'applicant',
  'formData',
  'sealedFormData',
  'email',
  'givenName',
  'familyName',
  'birthDate',
  'address',
];

/**
 * A log of JSON lines, to standard output where no stream is given. Errors appear with their type, message, code and
 * stack, without the fields that libraries hang on them (a driver's error may quote a row).
 */
export function createLog(level: LogLevel, stream?: DestinationStream): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: neverLogged.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
      serializers: { err: describe, error: describe },
    },
    ...(stream ? [stream] : []),
  );
}

function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return { type: typeof error };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  const cause = error.cause === undefined ? {} : { cause: describe(error.cause) };
  return { type: error.name, message: error.message, ...code, stack: error.stack, ...cause };
}

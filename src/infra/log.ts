import { pino, type DestinationStream, type Logger } from 'pino';

/** Structured log. Facts are ids, codes, counts and times; personal data and secrets never. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** Levels, most talkative first. ERROR means that someone must act. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/*
 * A second line of defence: nobody should log these, and where somebody does, they do not get out. Names as they stand in
 * HTTP requests, configuration and applications, at the top and one and two levels down. By hand and not by pino's redaction,
 * whose wildcards cost more than the rest of a request's line.
 */
const neverLogged: ReadonlySet<string> = new Set([
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
]);

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
      formatters: { level: (label) => ({ level: label }), log: (facts) => redacted(facts, 2) },
      serializers: { err: describe, error: describe },
    },
    ...(stream ? [stream] : []),
  );
}

/** The facts with what is never logged blanked, down to `levels` below them. What is clean is not copied. */
function redacted(facts: Record<string, unknown>, levels: number): Record<string, unknown> {
  let clean = facts;
  for (const [name, value] of Object.entries(facts)) {
    const below = levels > 0 && typeof value === 'object' && value !== null && !(value instanceof Error);
    const shown = neverLogged.has(name) ? '[redacted]' : below ? redacted(value as Record<string, unknown>, levels - 1) : value;
    if (shown === value) continue;
    if (clean === facts) clean = Array.isArray(facts) ? ([...facts] as never) : { ...facts };
    clean[name] = shown;
  }
  return clean;
}

function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return { type: typeof error };
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  const cause = error.cause === undefined ? {} : { cause: describe(error.cause) };
  return { type: error.name, message: error.message, ...code, stack: error.stack, ...cause };
}

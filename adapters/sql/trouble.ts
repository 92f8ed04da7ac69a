import { AdapterError, type AdapterErrorKind } from '#contract';
import type { SqlConfig, Write } from './config.ts';

/** What an error of the database means. Holds names of columns and constraints, never a value. */
export interface Trouble {
  readonly kind: AdapterErrorKind;
  /** `rolled-back`: nothing is left of one INSERT; of a routine that commits by itself nobody knows. */
  readonly effect: 'none' | 'rolled-back' | 'unknown';
  readonly message: string;
  readonly reason?: Reason;
  readonly column?: string;
  readonly constraint?: string;
  /** True where the database's own words quote the text; they are never passed on. */
  readonly quotes?: (text: string) => boolean;
}

export type Reason = 'duplicate' | 'required' | 'too-long' | 'invalid' | 'not-allowed';

/** What a citizen reads about a field. */
const texts: Readonly<Record<Reason, string>> = {
  duplicate: 'Diese Angabe gibt es schon. / This value exists already.',
  required: 'Diese Angabe fehlt. / This value is missing.',
  'too-long': 'Diese Angabe ist zu lang. / This value is too long.',
  invalid: 'Diese Angabe kann so nicht verarbeitet werden. / This value cannot be processed as it is.',
  'not-allowed': 'Diese Angabe ist so nicht zulässig. / This value is not allowed.',
};

const unreachable = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'ECONNRESET', 'EPIPE']);
const certificate = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL|EPROTO/;

/** An error that did not come from the database: the network, TLS, the driver. */
export function wireTrouble(error: unknown): Trouble {
  const code = error && typeof error === 'object' && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const words = error instanceof Error ? error.message : '';
  // mysql2 gives one code to everything that goes wrong while TLS begins.
  if (certificate.test(code) || (code === 'HANDSHAKE_SSL_ERROR' && /certificate|altname|issuer/i.test(words)))
    return {
      kind: 'misconfigured',
      effect: 'none',
      message: `the certificate of the database server does not hold (${code}): tls.ca must be its authority’s`,
    };
  if (code === 'HANDSHAKE_NO_SSL_SUPPORT' || /does not support (SSL|secure) conn/i.test(words))
    return {
      kind: 'misconfigured',
      effect: 'none',
      message: 'the database server speaks no TLS: nothing was sent; set it up there, or tls: off on loopback',
    };
  const told = unreachable.has(code) || code === 'PROTOCOL_CONNECTION_LOST' ? ` (${code})` : '';
  return { kind: 'unavailable', effect: 'unknown', message: `the database could not be reached or broke off${told}` };
}

/** For a statement that only reads, or that was never sent. */
export const withoutEffect = ({ kind, message }: Trouble): AdapterError => new AdapterError(kind, 'none', message);

/** For a write that was sent, with the fields to correct where the refused column or constraint is one of ours. */
export function writeError(trouble: Trouble, target: Write, constraints: SqlConfig['constraints']): AdapterError {
  const { kind, message, reason, column, constraint } = trouble;
  const assignments = 'insert' in target ? target.values : target.arguments;
  // One INSERT leaves all or nothing; a procedure may have committed a part of its work before it failed.
  const effect = trouble.effect === 'rolled-back' ? ('insert' in target ? 'none' : 'unknown') : trouble.effect;
  const agreed = constraint === undefined ? undefined : constraints[constraint];
  if (agreed) return new AdapterError('rejected', effect, message, { fields: { [agreed.field]: agreed.text } });
  const name = column ?? guessColumn(target, assignments, constraint);
  const source = name === undefined ? undefined : assignments[name];
  if (reason === 'required' && name !== undefined && source === undefined)
    return new AdapterError('misconfigured', effect, `column ${name} needs a value: assign one in submit`);
  if (kind !== 'rejected' || reason === undefined || !source?.startsWith('/')) return new AdapterError(kind, effect, message);
  return new AdapterError(kind, effect, message, { fields: { [source]: texts[reason] } });
}

/** PostgreSQL names a constraint of one column `<table>_<column>_check`, and never the column itself. */
function guessColumn(target: Write, assignments: Readonly<Record<string, string>>, constraint: string | undefined): string | undefined {
  if (constraint === undefined || !('insert' in target)) return undefined;
  const table = target.insert.split('.').at(-1) ?? '';
  return Object.keys(assignments).find((name) => ['check', 'key', 'fkey'].some((kind) => constraint === `${table}_${name}_${kind}`));
}

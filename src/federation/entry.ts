import { z } from 'zod';
import type { Localised } from '#contract';
import { expectedOf } from '../cities/load/expected.ts';
import { claimNames, type ClaimName } from '../identity/claims-issuer.ts';
import type { Grants } from './contract-check.ts';
import { subgraphLimits, type SubgraphLimits } from './remote.ts';

/** A subgraph as somebody registers it. */
export interface SubgraphEntry {
  /** Lower-case letters and digits: types and fields of the subgraph begin with it. */
  readonly name: string;
  /** Its GraphQL endpoint. */
  readonly url: string;
  readonly limits: SubgraphLimits;
  readonly grants: Grants;
  /** What it is told of the caller, signed by the hub. */
  readonly claims: readonly ClaimName[];
}

/** Words that begin names of the hub's own. */
const reserved = new Set(['hub', 'query', 'mutation', 'subscription', 'internal']);

const integer = (least: number, most: number) => z.int().min(least).max(most);

/** Where clouds keep their keys; nobody's subgraph is there. As a URL writes it: 169.254 in an IPv6 address is a9fe. */
const ofMetadata = /^(169\.254\.|\[(::ffff:a9fe:|fe[89ab][\da-f]:|fd00:ec2::254\])|metadata\.)/;

const endpoint = z.url({ protocol: /^https?$/, error: 'an http or https URL' }).refine(
  (text) => {
    const url = URL.parse(text);
    // What is no address at all was told already.
    if (url === null) return true;
    const { username, password, hostname } = url;
    return username === '' && password === '' && !ofMetadata.test(hostname);
  },
  { error: 'an http or https URL without user name and password, and not of a metadata service' },
);

/** What is read from a file or an admin's input, defaults applied. */
export const entrySchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9]{1,30}$/, { error: 'lower-case letters and digits, 2 to 31 of them' })
    .refine((name) => !reserved.has(name), { error: 'a name that is not one of the hub’s own words' }),
  url: endpoint,
  /** Longest wait for an answer, in milliseconds. */
  timeoutMs: integer(50, 30_000).default(subgraphLimits.timeoutMs),
  /** Calls at a time. */
  concurrency: integer(1, 500).default(subgraphLimits.concurrency),
  /** Longest answer, in bytes. */
  mostBytes: integer(1024, 64 * 2 ** 20).default(subgraphLimits.mostBytes),
  breaker: z
    .strictObject({
      failures: integer(1, 1000).default(subgraphLimits.breaker.failures),
      halfOpenMs: integer(50, 600_000).default(subgraphLimits.breaker.halfOpenMs),
    })
    .default(subgraphLimits.breaker),
  claims: z.array(z.enum(claimNames)).default([]),
  grants: z
    .strictObject({ overrides: z.array(z.string()).default([]), entities: z.array(z.string()).default([]) })
    .default({ overrides: [], entities: [] }),
});

/** What is wrong with an entry, at which name. */
export interface EntryComplaint {
  readonly path: readonly (string | number)[];
  readonly expected: Localised;
}

/** An entry, or everything that is wrong with it. */
export function readEntry(given: unknown): SubgraphEntry | readonly EntryComplaint[] {
  const parsed = entrySchema.safeParse(given);
  if (!parsed.success)
    return parsed.error.issues.map((issue) => ({
      path: issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part)),
      expected: expectedOf(issue),
    }));
  const { name, url, timeoutMs, concurrency, mostBytes, breaker, claims, grants } = parsed.data;
  return { name, url, limits: { timeoutMs, concurrency, mostBytes, breaker }, claims, grants };
}

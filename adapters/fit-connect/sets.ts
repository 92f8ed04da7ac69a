import { compactVerify, CompactSign, decodeProtectedHeader, type CryptoKey } from 'jose';
import { z } from 'zod';
import { AdapterError, decodeText } from '#contract';
import {
  eventName,
  eventUri,
  signedByDestination,
  type EventName,
  type SubmissionEvent,
  type SubmissionProblem,
  type Tags,
} from './events.ts';

/*
 * Security event tokens (RFC 8417) in FIT-Connect's profile: compact JWS, PS512, `typ` secevent+jwt, and exactly one event.
 * Nothing of a token is believed before its signature holds, except `kid`, to find the key, and `iss`, to know where to look.
 */

export const SET_SCHEMA = 'https://schema.fitko.de/fit-connect/set-payload/1.2.2/set-payload.schema.json';
const LARGEST_SET = 64 * 1024;

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const tag = z.string().regex(/^[\w-]{22}$/);
const tagsShape = z.object({ metadata: tag, data: tag, attachments: z.record(z.string(), tag).default({}) });
const problemShape = z.object({
  type: z.string().max(500),
  title: z.string().max(500).optional(),
  detail: z.string().max(2000).optional(),
  instance: z.string().max(500).optional(),
});
const claimsShape = z.object({
  jti: z.uuid(),
  iss: z.string().min(1).max(500),
  iat: z.int().min(1_577_833_200),
  sub: z.string().regex(new RegExp(`^(submission|reply):${uuid}$`, 'i')),
  txn: z.string().regex(new RegExp(`^case:${uuid}$`, 'i')),
  events: z
    .record(z.string(), z.object({ authenticationTags: tagsShape.optional(), problems: z.array(problemShape).max(100).optional() }))
    .refine((events) => Object.keys(events).length === 1),
});

/** The case and submission that a token must be about, and who may have signed it. */
export interface Expected {
  readonly caseId: string;
  readonly submissionId: string;
  readonly destinationId: string;
  /** `iss` of the delivery service. */
  readonly service: string;
}

/** Finds the key of a signer: of the delivery service, or of the destination. */
export type FindKey = (signer: 'service' | 'destination', kid: string) => Promise<CryptoKey>;

/**
 * The event a token tells of this submission; null where it is about something else of the case.
 * @throws AdapterError malformed where the token does not hold.
 */
export async function verifySet(set: string, expected: Expected, findKey: FindKey): Promise<SubmissionEvent | null> {
  const refuse = (why: string) => new AdapterError('malformed', 'none', `an event of the case is not believed: ${why}`);
  const { kid, iss } = unverified(set, refuse);
  const signer = sameIssuer(iss, expected.service) ? 'service' : iss.toLowerCase() === expected.destinationId ? 'destination' : null;
  if (!signer) throw refuse('its issuer is neither the delivery service nor the destination');
  const key = await findKey(signer, kid);
  const { payload } = await compactVerify(set, key, { algorithms: ['PS512'] }).catch(() => {
    throw refuse('its signature does not hold');
  });
  const parsed = claimsShape.safeParse(parseJson(payload));
  if (!parsed.success) throw refuse(`its ${parsed.error.issues[0]?.path.join('.') || 'content'} is not as the profile says`);
  const claims = parsed.data;
  if (claims.txn.toLowerCase() !== `case:${expected.caseId}`) throw refuse('it belongs to another case');
  const [[uri, event] = ['', {}]] = Object.entries(claims.events);
  const name = eventName(uri);
  if (name === null || claims.sub.toLowerCase() !== `submission:${expected.submissionId}`) return null;
  if (signedByDestination.has(name) !== (signer === 'destination')) throw refuse(`a ${name} event was signed by the wrong side`);
  const { authenticationTags: tags, problems = [] } = event;
  return {
    id: claims.jti,
    name,
    at: new Date(claims.iat * 1000),
    problems: problems as readonly SubmissionProblem[],
    ...(tags ? { tags } : {}),
  };
}

/** Header and issuer as they stand there, to find the key with. */
function unverified(set: string, refuse: (why: string) => AdapterError): { kid: string; iss: string } {
  if (set.length > LARGEST_SET) throw refuse('it is too large');
  let header: { alg?: unknown; typ?: unknown; kid?: unknown };
  let iss: unknown;
  try {
    header = decodeProtectedHeader(set);
    iss = (JSON.parse(Buffer.from(set.split('.')[1] ?? '', 'base64url').toString('utf8')) as { iss?: unknown } | null)?.iss;
  } catch {
    throw refuse('it is not a token');
  }
  if (header.alg !== 'PS512') throw refuse('it is not signed with PS512');
  if (header.typ !== 'secevent+jwt') throw refuse('its type is not secevent+jwt');
  if (typeof header.kid !== 'string' || typeof iss !== 'string') throw refuse('it names no key or no issuer');
  return { kid: header.kid, iss };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeText(bytes));
  } catch {
    return null;
  }
}

/** Addresses may be written with or without a slash at their end. */
const sameIssuer = (one: string, other: string): boolean => one.replace(/\/+$/, '') === other.replace(/\/+$/, '');

export interface SetContent {
  readonly id: string;
  readonly issuer: string;
  readonly at: Date;
  readonly caseId: string;
  readonly submissionId: string;
  readonly event: EventName;
  readonly tags?: Tags;
  readonly problems?: readonly SubmissionProblem[];
}

/** A signed event, as a subscriber posts it. */
export const signSet = (content: SetContent, key: { readonly kid: string; readonly key: CryptoKey }): Promise<string> =>
  new CompactSign(new TextEncoder().encode(JSON.stringify(toClaims(content))))
    .setProtectedHeader({ alg: 'PS512', typ: 'secevent+jwt', kid: key.kid })
    .sign(key.key);

/** The claims of an event. */
export const toClaims = ({ id, issuer, at, caseId, submissionId, event, tags, problems }: SetContent) => ({
  $schema: SET_SCHEMA,
  jti: id,
  iss: issuer,
  iat: Math.floor(at.getTime() / 1000),
  sub: `submission:${submissionId}`,
  txn: `case:${caseId}`,
  events: { [eventUri(event)]: { ...(tags ? { authenticationTags: tags } : {}), ...(problems ? { problems } : {}) } },
});

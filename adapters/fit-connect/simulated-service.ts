import { randomUUID } from 'node:crypto';
import type { Json } from '#contract';
import { eventName, standingOf, type EventName, type SubmissionProblem, type SubmissionState, type Tags } from './events.ts';
import { leikaUrn } from './mapping.ts';
import { tagOf } from './seal.ts';
import { toClaims } from './sets.ts';
import { headerByHand, signByHand, verifyByHand } from './simulated-jose.ts';
import type { SimulatedKeys } from './simulated-keys.ts';
import { createTokens, type TokenOptions } from './simulated-tokens.ts';
import { fitConnectSimulated, problem, type ServiceAnswer, type ServiceRequest } from './simulated-world.ts';

/** A submission as the delivery service keeps it. */
export interface StoredSubmission {
  readonly id: string;
  readonly caseId: string;
  readonly announced: readonly string[];
  readonly attachments: Map<string, string>;
  metadata: string | null;
  data: string | null;
  /** Signed events, as they are handed out. */
  readonly log: string[];
  readonly events: { id: string; name: EventName; at: Date; problems: readonly SubmissionProblem[] }[];
}

export interface ServiceOptions extends TokenOptions {
  readonly keys: SimulatedKeys;
  /** The destination publishes a key of 2048 bits. @default false */
  readonly weakKey?: boolean;
  /** Called when a submission became complete. */
  readonly submitted: (submission: StoredSubmission) => void;
}

const API = '/submission-api';
/*
 * The delivery service of FIT-Connect, as far as senders and subscribers of one destination see it: tokens by client secret,
 * User-Agent or 403, rate limit headers, a submission in three steps, cty or 422, an event log signed with PS512, events of the
 * subscriber only with its own key and about this submission, and deletion after its decision.
 */
export function createService(options: ServiceOptions) {
  const { keys, now } = options;
  const { destination, issuer, services, schemaUri, ars } = fitConnectSimulated;
  const tokens = createTokens(options);
  const submissions = new Map<string, StoredSubmission>();
  const byCase = new Map<string, StoredSubmission>();
  const encryption = options.weakKey ? keys.weak : keys.encryption;

  function append(submission: StoredSubmission, event: EventName, tags?: Tags): void {
    const [id, at] = [randomUUID(), now()];
    const content = { id, issuer, at, caseId: submission.caseId, submissionId: submission.id, event, ...(tags ? { tags } : {}) };
    submission.log.push(signByHand(toClaims(content), keys.service));
    submission.events.push({ id, name: event, at, problems: [] });
  }

  const empty = (id: string, caseId: string, announced: readonly string[]): StoredSubmission => ({
    id,
    caseId,
    announced,
    attachments: new Map(),
    metadata: null,
    data: null,
    log: [],
    events: [],
  });
  const existing = empty(fitConnectSimulated.existing.submissionId, fitConnectSimulated.existing.caseId, []);
  byCase.set(existing.caseId, existing);
  append(existing, 'create');
  append(existing, 'submit', { metadata: 'm'.repeat(22), data: 'd'.repeat(22), attachments: {} });

  function announce(body: Json | undefined): ServiceAnswer {
    const wish = (body ?? {}) as {
      destinationId?: Json;
      announcedAttachments?: Json;
      publicService?: { identifier?: Json };
      region?: Json;
    };
    if (wish.destinationId !== destination) return problem(404, 'destination-not-found', 'Destination not found');
    if (!services.some((key) => leikaUrn(key) === wish.publicService?.identifier))
      return problem(422, 'public-service-not-supported', 'The destination does not offer this service');
    const announced = Array.isArray(wish.announcedAttachments) ? (wish.announcedAttachments as string[]) : [];
    const submission = empty(randomUUID(), randomUUID(), announced);
    submissions.set(submission.id, submission);
    byCase.set(submission.caseId, submission);
    append(submission, 'create');
    return { status: 201, body: { submissionId: submission.id, caseId: submission.caseId } };
  }

  const isPart = (jwe: unknown, types?: readonly string[]): jwe is string => {
    const header = typeof jwe === 'string' && tagOf(jwe) !== '' ? headerByHand(jwe) : null;
    if (header?.['alg'] !== 'RSA-OAEP-256' || header['enc'] !== 'A256GCM' || header['kid'] !== encryption.kid || 'zip' in header)
      return false;
    return types ? types.includes(String(header['cty'])) : typeof header['cty'] === 'string';
  };

  function putAttachment(submission: StoredSubmission, id: string, { headers, text }: ServiceRequest): ServiceAnswer {
    if (submission.data !== null) return problem(409, 'submission-state-invalid', 'The submission was already submitted');
    if (!submission.announced.includes(id)) return problem(404, 'attachment-not-announced', 'Attachment was not announced');
    if (headers.get('content-type') !== 'application/jose' || !isPart(text))
      return problem(422, 'attachment-invalid', 'Not a JWE for this destination');
    submission.attachments.set(id, text);
    return { status: 204 };
  }

  function putSubmission(submission: StoredSubmission, body: Json | undefined): ServiceAnswer {
    const { encryptedMetadata: metadata, encryptedData: data } = (body ?? {}) as { encryptedMetadata?: Json; encryptedData?: Json };
    if (submission.events.some(({ name }) => name !== 'create'))
      return problem(409, 'submission-state-invalid', 'The submission was already submitted');
    const types = ['application/json', 'application/xml'];
    if (!isPart(metadata, types) || !isPart(data, types))
      return problem(422, 'encryption-invalid', 'Not a JWE for this destination with cty');
    if (!submission.announced.every((id) => submission.attachments.has(id)))
      return problem(422, 'attachments-missing', 'An announced attachment is missing');
    submission.metadata = metadata;
    submission.data = data;
    const attachments = Object.fromEntries([...submission.attachments].map(([id, jwe]) => [id, tagOf(jwe)]));
    append(submission, 'submit', { metadata: tagOf(metadata), data: tagOf(data), attachments });
    options.submitted(submission);
    return { status: 200, body: { destinationId: destination, submissionId: submission.id, caseId: submission.caseId } };
  }

  function postEvent(submission: StoredSubmission, { text }: ServiceRequest): ServiceAnswer {
    const invalid = problem(422, 'set-invalid', 'The event is not valid');
    const token = verifyByHand(text, keys.signing);
    if (!token || token.header['alg'] !== 'PS512' || token.header['typ'] !== 'secevent+jwt' || token.header['kid'] !== keys.signing.kid)
      return invalid;
    const {
      iss,
      sub,
      txn,
      jti,
      iat,
      events = {},
    } = token.claims as { [name: string]: unknown; events?: Record<string, { problems?: SubmissionProblem[] }> };
    if (iss !== destination || sub !== `submission:${submission.id}` || txn !== `case:${submission.caseId}` || typeof jti !== 'string')
      return invalid;
    if (submission.events.some(({ id }) => id === jti)) return { status: 204 };
    const [[uri, payload] = ['', {}]] = Object.entries(events);
    const name = eventName(uri);
    if (name !== 'forward' && name !== 'accept' && name !== 'reject') return invalid;
    const state = stateOf(submission);
    if (!['submitted', 'notified', 'forwarded'].includes(state))
      return problem(409, 'submission-state-invalid', 'The submission was decided');
    submission.log.push(text);
    submission.events.push({ id: jti, name, at: new Date(Number(iat) * 1000), problems: payload.problems ?? [] });
    if (name !== 'forward') {
      submission.metadata = submission.data = null;
      submission.attachments.clear();
      append(submission, 'delete');
    }
    return { status: 204 };
  }

  const stateOf = ({ events }: StoredSubmission): SubmissionState => standingOf(events).state;

  function destinations(path: string): ServiceAnswer {
    const [, id, kid] = /^\/v2\/destinations\/([^/]+)(?:\/keys\/([^/]+))?$/.exec(path) ?? [];
    if (id !== destination) return problem(404, 'destination-not-found', 'Destination not found');
    if (kid === undefined) {
      const schemas = [{ schemaUri, mimeType: 'application/json' }];
      const publicServices = services.map((key) => ({ identifier: leikaUrn(key), submissionSchemas: schemas, regions: [`DE${ars}`] }));
      return { status: 200, body: { destinationId: id, status: 'active', encryptionKid: encryption.kid, publicServices } };
    }
    const key = [encryption, keys.signing].find((one) => one.kid === decodeURIComponent(kid));
    return key ? { status: 200, body: key.published } : problem(404, 'key-not-found', 'Key not found');
  }

  function api(request: ServiceRequest, path: string, role: 'sender' | 'subscriber'): ServiceAnswer {
    const { method, url, body } = request;
    if (path === '/v2/submissions' && method === 'POST')
      return role === 'sender' ? announce(body) : problem(403, 'forbidden', 'Scope missing');
    if (path === '/v2/submissions') {
      const offset = Number(url.searchParams.get('offset') ?? 0);
      const limit = Math.min(500, Number(url.searchParams.get('limit') ?? 500));
      const waiting = [...submissions.values()].filter(({ data }) => data !== null);
      const page = waiting
        .slice(offset, offset + limit)
        .map(({ id, caseId }) => ({ destinationId: destination, submissionId: id, caseId }));
      return role === 'subscriber'
        ? { status: 200, body: { count: page.length, totalCount: waiting.length, submissions: page } }
        : problem(403, 'forbidden', 'Scope missing');
    }
    const [, caseId] = /^\/v2\/cases\/([^/]+)\/events$/.exec(path) ?? [];
    if (caseId !== undefined) {
      const found = byCase.get(caseId);
      if (!found) return problem(404, 'case-not-found', 'Case not found');
      if (method === 'POST') return role === 'subscriber' ? postEvent(found, request) : problem(403, 'forbidden', 'Scope missing');
      const offset = Number(url.searchParams.get('offset') ?? 0);
      const eventLog = found.log.slice(offset, offset + Math.min(500, Number(url.searchParams.get('limit') ?? 500)));
      return { status: 200, body: { count: eventLog.length, offset, totalCount: found.log.length, eventLog } };
    }
    const [, id, attachment] = /^\/v2\/submissions\/([^/]+)(?:\/attachments\/([^/]+))?$/.exec(path) ?? [];
    const found = submissions.get(id ?? '');
    if (!found) return problem(404, 'submission-not-found', 'Submission not found');
    if (method === 'PUT') {
      if (role !== 'sender') return problem(403, 'forbidden', 'Scope missing');
      return attachment === undefined ? putSubmission(found, body) : putAttachment(found, attachment, request);
    }
    if (role !== 'subscriber') return problem(403, 'forbidden', 'Scope missing');
    if (found.data === null || found.metadata === null) return problem(404, 'submission-not-found', 'Submission not found');
    if (attachment === undefined)
      return {
        status: 200,
        body: {
          submissionId: found.id,
          caseId: found.caseId,
          encryptedMetadata: found.metadata,
          encryptedData: found.data,
          attachments: [...found.attachments.keys()],
        },
      };
    const content = found.attachments.get(attachment);
    return content === undefined
      ? problem(404, 'attachment-not-found', 'Attachment not found')
      : { status: 200, text: content, headers: { 'content-type': 'application/jose' } };
  }

  function answer(request: ServiceRequest): ServiceAnswer {
    const path = request.url.pathname;
    if (!request.headers.get('user-agent')) return problem(403, 'user-agent-missing', 'A User-Agent is required');
    if (path === '/token') return tokens.give(request);
    if (!path.startsWith(API)) return problem(404, 'not-found', 'Not found');
    const below = path.slice(API.length);
    if (below === '/.well-known/jwks.json') return { status: 200, body: { keys: [keys.service.published] } };
    if (below.startsWith('/v2/destinations/')) return destinations(below);
    const access = tokens.admit(request);
    if ('refused' in access) return access.refused;
    const done = api(request, below, access.role);
    return { ...done, headers: { ...access.limits, ...done.headers } };
  }

  return {
    answer,
    /** The callback was answered. */
    notified: (submission: StoredSubmission) => append(submission, 'notify'),
    find: (caseId: string): StoredSubmission | null => byCase.get(caseId) ?? null,
    list: (): readonly StoredSubmission[] => [...submissions.values()],
    stateOf,
    /** What lies too long is deleted, decided or not. */
    expire: (submission: StoredSubmission) => append(submission, 'delete'),
    /** Tokens end at once. */
    revokeTokens: tokens.revoke,
  };
}

export type SimulatedService = ReturnType<typeof createService>;

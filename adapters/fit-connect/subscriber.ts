import { randomUUID } from 'node:crypto';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { CryptoKey } from 'jose';
import { z } from 'zod';
import { AdapterError, decodeText, type Call, type Host, type Json } from '#contract';
import { createReadLog } from './case-log.ts';
import { createDirectory } from './directory.ts';
import { sameTags, type EventName, type SubmissionProblem, type Tags } from './events.ts';
import { createAsk, type Access } from './http.ts';
import { isUuid, type Announced } from './mapping.ts';
import { problemType } from './problems.ts';
import { open, sha512, tagOf, type Part } from './seal.ts';
import { signSet } from './sets.ts';

type Signal = Pick<Call, 'signal'>;

/** The city's side of a destination: its client, its private keys and the schemas it takes. */
export interface SubscriberOptions extends Access {
  readonly destinationId: string;
  /** `iss` of the delivery service. @default submissionUrl */
  readonly issuer?: string;
  readonly decryptionKey: CryptoKey;
  readonly signingKey: { readonly kid: string; readonly key: CryptoKey };
  /** JSON Schemas (2020-12) of the data it takes, by URI. */
  readonly schemas: Readonly<Record<string, Json>>;
}

/** A submission, decrypted and found in order. */
export interface Received {
  readonly submission: Announced;
  readonly tags: Tags;
  readonly senderReference: string | null;
  readonly schemaUri: string;
  readonly data: Json;
  readonly attachments: readonly { readonly id: string; readonly name: string; readonly content: Uint8Array; readonly mediaType: string }[];
}

export type Inspection =
  | { readonly ok: true; readonly received: Received }
  | { readonly ok: false; readonly problems: readonly SubmissionProblem[] };

/** Receives what is sent to one destination: the counterpart of the adapter. */
export interface Subscriber {
  /** Submissions that wait to be fetched. */
  list(call: Signal): Promise<readonly Announced[]>;
  /** Fetches and decrypts one and holds it against the event log, its metadata and its schema. */
  inspect(submission: Announced, call: Signal): Promise<Inspection>;
  forward(submission: Announced, call: Signal): Promise<void>;
  accept(submission: Announced, tags: Tags, call: Signal): Promise<void>;
  reject(submission: Announced, problems: readonly SubmissionProblem[], call: Signal): Promise<void>;
}

const PAGE = 100;
const MOST_PAGES = 100;

const hash = z.object({ type: z.literal('sha512'), content: z.string().regex(/^[a-f0-9]{128}$/) });
/** As much of metadata 2.x as a receiver needs; senders may say more. */
const metadataShape = z.object({
  $schema: z.string().regex(/^https:\/\/schema\.fitko\.de\/fit-connect\/metadata\/2\.\d+\.\d+\/metadata\.schema\.json$/),
  contentStructure: z.object({
    data: z.object({
      hash,
      submissionSchema: z.object({ schemaUri: z.string(), mimeType: z.enum(['application/json', 'application/xml']) }),
    }),
    attachments: z.array(
      z.object({ hash, attachmentId: z.string(), mimeType: z.string(), purpose: z.string(), filename: z.string().optional() }),
    ),
  }),
  additionalReferenceInfo: z.object({ senderReference: z.string().optional() }).optional(),
});

/*
 * Nothing is accepted that was not checked, in this order: the tags of what was fetched are those the delivery service logged
 * when it was sent; every part opens with the destination's key; the metadata are readable; hashes and the list of
 * attachments hold; the data fit a schema this destination takes. The first step that fails names its problems.
 */
export function createSubscriber(options: SubscriberOptions, host: Pick<Host, 'fetch' | 'now'>): Subscriber {
  const { destinationId, decryptionKey, signingKey } = options;
  const ask = createAsk(options, host);
  const directory = createDirectory(ask, () => host.now());
  const readLog = createReadLog(ask, directory, options.issuer ?? options.submissionUrl);
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  const schemas = new Map<string, ValidateFunction>(
    Object.entries(options.schemas).map(([uri, schema]) => [uri, ajv.compile(schema as object)]),
  );

  const problem = (name: string, title: string, instance: string): SubmissionProblem => ({ type: problemType(name), title, instance });
  const refused = (...problems: SubmissionProblem[]): Inspection => ({ ok: false, problems });
  const opened = (jwe: string): Promise<Part | null> => open(jwe, decryptionKey).catch(() => null);

  async function fetchParts({ submissionId }: Announced, call: Signal) {
    const { status, body } = await ask({ method: 'GET', path: `/v2/submissions/${submissionId}` }, call);
    if (status !== 200) throw new AdapterError('rejected', 'none', 'the submission is not there any more');
    const parts = body as { encryptedMetadata?: unknown; encryptedData?: unknown; attachments?: unknown } | null;
    const ids = Array.isArray(parts?.attachments) ? parts.attachments.filter(isUuid) : [];
    if (typeof parts?.encryptedMetadata !== 'string' || typeof parts.encryptedData !== 'string')
      throw new AdapterError('malformed', 'none', 'the submission lacks its data or metadata');
    const attachments = new Map<string, string>();
    for (const id of ids) {
      const reply = await ask({ method: 'GET', path: `/v2/submissions/${submissionId}/attachments/${id}`, takes: 'jose' }, call);
      if (reply.status === 200 && typeof reply.body === 'string') attachments.set(id, reply.body);
    }
    return { metadata: parts.encryptedMetadata, data: parts.encryptedData, attachments };
  }

  async function inspect(submission: Announced, call: Signal): Promise<Inspection> {
    const parts = await fetchParts(submission, call);
    const tags: Tags = {
      metadata: tagOf(parts.metadata),
      data: tagOf(parts.data),
      attachments: Object.fromEntries([...parts.attachments].map(([id, jwe]) => [id, tagOf(jwe)])),
    };
    const logged = (await readLog(submission, call))?.find(({ name }) => name === 'submit')?.tags;
    if (!logged) return refused(problem('missing-authentication-tags', 'Prüfwerte fehlen', 'submission'));
    if (!sameTags(logged, tags)) return refused(problem('incorrect-authentication-tag', 'Prüfwerte stimmen nicht', 'submission'));

    const metadataPart = await opened(parts.metadata);
    const dataPart = await opened(parts.data);
    if (!metadataPart) return refused(problem('encryption-issue', 'Nicht zu entschlüsseln', 'metadata'));
    if (!dataPart) return refused(problem('encryption-issue', 'Nicht zu entschlüsseln', 'data'));
    const parsed = metadataShape.safeParse(parse(metadataPart.content));
    if (!parsed.success) return refused(problem('schema-violation', 'Metadaten entsprechen nicht dem Schema', 'metadata'));
    const { contentStructure, additionalReferenceInfo } = parsed.data;

    const listed = contentStructure.attachments;
    if (listed.length !== parts.attachments.size || !listed.every(({ attachmentId }) => parts.attachments.has(attachmentId)))
      return refused(problem('attachments-mismatch', 'Anlagen stimmen nicht überein', 'metadata'));
    if (sha512(dataPart.content) !== contentStructure.data.hash.content)
      return refused(problem('hash-mismatch', 'Prüfsumme stimmt nicht', 'data'));
    const attachments: Received['attachments'][number][] = [];
    for (const { attachmentId: id, hash: expected, mimeType, filename = id } of listed) {
      const part = await opened(parts.attachments.get(id) ?? '');
      if (!part) return refused(problem('encryption-issue', 'Nicht zu entschlüsseln', `attachment:${id}`));
      if (sha512(part.content) !== expected.content) return refused(problem('hash-mismatch', 'Prüfsumme stimmt nicht', `attachment:${id}`));
      attachments.push({ id, name: filename, content: part.content, mediaType: mimeType });
    }

    const { schemaUri } = contentStructure.data.submissionSchema;
    const validate = schemas.get(schemaUri);
    if (!validate) return refused(problem('unsupported-schema', 'Schema wird nicht unterstützt', 'data'));
    const data = parse(dataPart.content);
    if (data === undefined) return refused(problem('syntax-violation', 'Kein gültiges JSON', 'data'));
    if (!validate(data)) return refused(problem('schema-violation', 'Fachdaten entsprechen nicht dem Schema', 'data'));
    return {
      ok: true,
      received: {
        submission,
        tags,
        senderReference: additionalReferenceInfo?.senderReference ?? null,
        schemaUri,
        data: data as Json,
        attachments,
      },
    };
  }

  async function tell(
    { submissionId, caseId }: Announced,
    event: EventName,
    more: { tags?: Tags; problems?: readonly SubmissionProblem[] },
    call: Signal,
  ): Promise<void> {
    const jose = await signSet(
      { id: randomUUID(), issuer: destinationId, at: host.now(), submissionId, caseId, event, ...more },
      signingKey,
    );
    const { status, problem: why } = await ask({ method: 'POST', path: `/v2/cases/${caseId}/events`, jose }, call);
    if (status >= 400) throw new AdapterError('rejected', 'none', `the ${event} event was not taken (${status}${why ? `, ${why}` : ''})`);
  }

  return {
    async list(call) {
      const waiting: Announced[] = [];
      for (let page = 0; page < MOST_PAGES; page++) {
        const path = `/v2/submissions?destinationId=${destinationId}&offset=${page * PAGE}&limit=${PAGE}`;
        const { body } = await ask({ method: 'GET', path }, call);
        const found = (body as { submissions?: unknown } | null)?.submissions;
        if (!Array.isArray(found))
          throw new AdapterError('malformed', 'none', 'the list of submissions does not look like one of FIT-Connect');
        for (const { submissionId, caseId } of found as Partial<Announced>[])
          if (isUuid(submissionId) && isUuid(caseId)) waiting.push({ submissionId, caseId, destinationId });
        if (found.length < PAGE) break;
      }
      return waiting;
    },
    inspect,
    forward: (submission, call) => tell(submission, 'forward', {}, call),
    accept: (submission, tags, call) => tell(submission, 'accept', { tags, problems: [] }, call),
    reject: (submission, problems, call) => tell(submission, 'reject', { problems }, call),
  };
}

/** Undefined where it is no JSON. */
function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decodeText(bytes));
  } catch {
    return undefined;
  }
}

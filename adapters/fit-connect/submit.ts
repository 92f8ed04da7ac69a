import { AdapterError, type Attachment, type Host, type Json, type Receipt, type Submission, type WriteCall } from '#contract';
import type { ReadLog } from './case-log.ts';
import type { FitConnectConfig } from './config.ts';
import { createDataCheck } from './data-check.ts';
import { jsonSchemas, type Destination, type Directory } from './directory.ts';
import { sameTags, type SubmissionEvent, type Tags } from './events.ts';
import { withEffect, type Ask } from './http.ts';
import { isUuid, leikaKeyOf, leikaUrn, toData, toRef, type Announced } from './mapping.ts';
import { assertMetadata, toMetadata, type DescribedAttachment } from './metadata.ts';
import type { Routing } from './routing.ts';
import { seal, sha512, tagOf, type DestinationKey } from './seal.ts';

/*
 * One application, one submission, although FIT-Connect knows no idempotency key and cannot be asked for one:
 *
 *   announce   POST: makes an empty submission. Remembered as a step. A reply that was lost leaves an empty shell behind that
 *              the city never sees and that lapses; announcing again is harmless.
 *   attach     PUT per attachment, encrypted. Its tag is remembered as a step; one that may not have arrived is put again.
 *   seal       data and metadata are encrypted, and their tags remembered BEFORE they are sent: encrypting again gives
 *              other tags, so each attempt has a step of its own.
 *   send       PUT: only this makes it visible to the city.
 *   confirm    the case's event log says it: a submit event signed by the delivery service, with the tags just sent.
 *
 * An attempt that finds its announcement already made reads the event log first. A submit event there with the tags of one of
 * our attempts is the receipt; with other tags, somebody else has sent under our submission, and nothing is sent any more. So
 * an effect that is unknown is cleared up by calling again with the steps remembered: what the contract calls `steps`.
 */

export interface SubmitDeps {
  readonly config: FitConnectConfig;
  readonly host: Host;
  readonly ask: Ask;
  readonly directory: Directory;
  readonly readLog: ReadLog;
  /** By routing; absent where the config names the destination. */
  readonly routing?: Routing;
}

const MOST_ANNOUNCEMENTS = 5;
const MOST_ATTEMPTS = 10_000;

export type Submit = (application: Submission, call: WriteCall) => Promise<Receipt>;

export function createSubmit({ config, host, ask, directory, readLog, routing }: SubmitDeps): Submit {
  const checkData = createDataCheck(config);

  async function announce(application: Submission, leikaKey: string, destinationId: string, call: WriteCall): Promise<Announced> {
    const { region } = serviceOf(await directory.destination(destinationId, call), leikaKey, host.ars, config.submissionSchema);
    const { status, body } = await ask(
      {
        method: 'POST',
        path: '/v2/submissions',
        json: {
          destinationId,
          announcedAttachments: (application.attachments ?? []).map(({ id }) => id),
          publicService: { name: application.serviceName, identifier: leikaUrn(leikaKey) },
          ...(region === undefined ? {} : { region }),
        },
      },
      call,
    );
    if (status === 404) throw new AdapterError('misconfigured', 'none', `FIT-Connect takes nothing for the destination ${destinationId}`);
    const made = body as { submissionId?: unknown; caseId?: unknown } | null;
    const [submissionId, caseId] = [made?.submissionId, made?.caseId].map((id) => (typeof id === 'string' ? id.toLowerCase() : id));
    if (!isUuid(submissionId) || !isUuid(caseId))
      throw new AdapterError('malformed', 'unknown', 'the announcement was not answered with a submission and its case');
    return { submissionId, caseId, destinationId };
  }

  /** The announcement to go on with: made now, or by a former attempt and still standing. */
  async function announced(application: Submission, leikaKey: string, call: WriteCall) {
    for (let turn = 1; turn <= MOST_ANNOUNCEMENTS; turn++) {
      let fresh = false;
      const submission = await call.step<Announced & { readonly [name: string]: Json }>(`announced ${turn}`, async () => {
        fresh = true;
        const destinationId = config.destination ?? (await routing?.find(leikaKey, host.ars, call)) ?? '';
        return { ...(await announce(application, leikaKey, destinationId, call)) };
      });
      if (fresh) return { turn, submission, events: [] };
      const events = await readLog(submission, call);
      const sent = events?.some(({ name }) => name === 'submit') ?? false;
      const lapsed = events === null || (!sent && events.some(({ name }) => name === 'delete'));
      if (!lapsed) return { turn, submission, events };
      // What may have been sent and has no log any more cannot be told from what never was: only a person can.
      if (events === null && (await formerTags(turn, application, call)).length > 0)
        throw new AdapterError('rejected', 'unknown', 'FIT-Connect no longer knows the case of a submission that may have been sent');
    }
    throw new AdapterError('rejected', 'none', `FIT-Connect dropped ${MOST_ANNOUNCEMENTS} announcements of this application`);
  }

  /** Tags under which former attempts may have sent it. Asking closes the list: nothing is sent in this turn afterwards. */
  async function formerTags(turn: number, { attachments = [] }: Submission, call: WriteCall): Promise<Tags[]> {
    const tags: Record<string, string> = {};
    for (const { id } of attachments) tags[id] = (await call.step<string | null>(attachedStep(turn, id), async () => null)) ?? '';
    const known: Tags[] = [];
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
      const sealed = await call.step<{ metadata: string; data: string } | null>(sealedStep(turn, attempt), async () => null);
      if (sealed === null) break;
      known.push({ ...sealed, attachments: tags });
    }
    return known;
  }

  async function attach(turn: number, { submissionId }: Announced, attachment: Attachment, key: DestinationKey, call: WriteCall) {
    const content = await readAttachment(attachment, config.attachments.maxBytes);
    const described: DescribedAttachment = {
      id: attachment.id,
      name: attachment.name,
      mediaType: attachment.mediaType,
      sha512: sha512(content),
    };
    const tag = await call.step(attachedStep(turn, attachment.id), async () => {
      const jose = await seal({ content, type: attachment.mediaType }, key);
      const reply = await ask({ method: 'PUT', path: `/v2/submissions/${submissionId}/attachments/${attachment.id}`, jose }, call);
      if (reply.status >= 400) throw new AdapterError('retryable', 'none', `an attachment was not taken (${reply.status})`);
      return tagOf(jose);
    });
    return { described, tag };
  }

  async function send(turn: number, submission: Announced, application: Submission, leikaKey: string, call: WriteCall): Promise<Tags> {
    // Asked for now: the city may have changed its key a minute ago, and would not open what is sealed with the old one.
    const destination = await directory.destination(submission.destinationId, call, 'fresh');
    const key = await directory.encryptionKey(submission.destinationId, destination.encryptionKid, call);
    const attachments: Record<string, string> = {};
    const described: DescribedAttachment[] = [];
    for (const attachment of application.attachments ?? []) {
      const done = await attach(turn, submission, attachment, key, call);
      attachments[attachment.id] = done.tag;
      described.push(done.described);
    }
    const content = new TextEncoder().encode(JSON.stringify(toData(application, call.key, config.data)));
    const metadata = toMetadata({
      schemaUri: serviceOf(destination, leikaKey, host.ars, config.submissionSchema).schemaUri,
      data: { sha512: sha512(content) },
      attachments: described,
      senderReference: call.key,
      applicationDate: dayInGermany(application.submittedAt),
      ...(config.replyChannel === 'email' && application.applicant.email ? { email: application.applicant.email } : {}),
    });
    assertMetadata(metadata);
    const json = 'application/json';
    const encryptedData = await seal({ content, type: json }, key);
    const encryptedMetadata = await seal({ content: new TextEncoder().encode(JSON.stringify(metadata)), type: json }, key);
    const tags: Tags = { metadata: tagOf(encryptedMetadata), data: tagOf(encryptedData), attachments };
    let recorded = false;
    for (let attempt = 1; !recorded && attempt <= MOST_ATTEMPTS; attempt++)
      await call.step(sealedStep(turn, attempt), async () => {
        recorded = true;
        return { metadata: tags.metadata, data: tags.data };
      });
    const reply = await ask(
      { method: 'PUT', path: `/v2/submissions/${submission.submissionId}`, json: { encryptedMetadata, encryptedData } },
      call,
    );
    if (reply.status >= 400) throw new AdapterError('retryable', 'none', `the announced submission was not taken (${reply.status})`);
    return tags;
  }

  return async (application, call) => {
    const leikaKey = leikaKeyOf(application, config.services);
    checkData(toData(application, call.key, config.data));
    const { turn, submission, events } = await announced(application, leikaKey, call);
    const submitted = submitEvent(events);
    if (submitted) {
      const tags = (await formerTags(turn, application, call)).find((known) => sameTags(known, submitted));
      if (tags) return { ref: toRef(submission, tags), taken: 'now', replayed: true };
      throw new AdapterError(
        'malformed',
        'unknown',
        'the announced submission was sent with content that is not ours: tell the delivery service',
      );
    }
    const tags = await send(turn, submission, application, leikaKey, call);
    const confirmed = submitEvent((await confirm(submission, call)) ?? []);
    if (!confirmed) throw new AdapterError('malformed', 'unknown', 'FIT-Connect took the submission but its event log does not say so yet');
    if (!sameTags(confirmed, tags)) throw new AdapterError('malformed', 'unknown', 'FIT-Connect logged other content than was sent');
    return { ref: toRef(submission, tags), taken: 'now', replayed: false };
  };

  /** Whatever goes wrong from here on, the submission has probably been made. */
  async function confirm(submission: Announced, call: WriteCall) {
    try {
      return await readLog(submission, call);
    } catch (error) {
      if (!(error instanceof AdapterError)) throw error;
      throw withEffect(error, 'unknown');
    }
  }
}

const attachedStep = (turn: number, id: string) => `attached ${turn} ${id}`;
const sealedStep = (turn: number, attempt: number) => `sealed ${turn} ${attempt}`;

const submitEvent = (events: readonly SubmissionEvent[]): Tags | undefined => events.find(({ name }) => name === 'submit')?.tags;

/** What the destination says of the service: schema of the data and the region to name. @throws AdapterError misconfigured where it does not take it. */
function serviceOf(
  { status, publicServices }: Destination,
  leikaKey: string,
  ars: string,
  wanted: string | undefined,
): { schemaUri: string; region?: string } {
  if (status !== 'active') throw new AdapterError('misconfigured', 'none', 'the destination is not active: the city must activate it');
  const service = publicServices.find(({ identifier }) => identifier === leikaUrn(leikaKey));
  if (!service) throw new AdapterError('misconfigured', 'none', `the destination does not take ${leikaKey}`);
  const schemaUri = jsonSchemas(service).find((uri) => wanted === undefined || uri === wanted);
  if (schemaUri === undefined)
    throw new AdapterError(
      'misconfigured',
      'none',
      wanted === undefined
        ? `the destination takes no JSON for ${leikaKey}; this adapter sends nothing else`
        : `the destination does not take config.submissionSchema for ${leikaKey}`,
    );
  const regions = (service.regions ?? []).filter((region) => ars.startsWith(/\d*$/.exec(region)?.[0] ?? ''));
  const region = regions.toSorted((a, b) => b.length - a.length)[0];
  if ((service.regions ?? []).length > 0 && region === undefined)
    throw new AdapterError('misconfigured', 'none', `the destination does not take ${leikaKey} for ${ars}`);
  return { schemaUri, ...(region === undefined ? {} : { region }) };
}

async function readAttachment(attachment: Attachment, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of attachment.open()) {
    size += chunk.length;
    if (size > maxBytes) throw new AdapterError('rejected', 'none', `an attachment is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  if (size !== attachment.bytes) throw new AdapterError('retryable', 'none', 'an attachment could not be read to its end');
  return Buffer.concat(chunks);
}

/** The day in Germany, as the city will date the application. */
const dayInGermany = (at: Date): string => new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Berlin' }).format(at);

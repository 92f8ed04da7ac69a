import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import type { HubEvent } from './event.ts';
import type { OfferRecord } from './offer.ts';
import type { Json } from './vocabulary.ts';

/** Contract versions that the hub speaks, newest first. Of those an adapter speaks too, the newest is used. */
export const contractVersions: readonly `${number}.${number}`[] = ['1.1', '1.0'];
/** The contract version that this file describes. */
export const contractVersion = '1.1';

/** What an adapter module exports by default: who it is, what config it takes, how it is made. */
export interface AdapterDefinition<Config = unknown> {
  /** Product id, for example `redmine`. */
  readonly id: string;
  /** Semantic version of the adapter. */
  readonly version: string;
  /** Contract versions it speaks, best first. */
  readonly contract: readonly `${number}.${number}`[];
  /** Config schema (zod 4 or any Standard Schema with JSON Schema); properties carry `x-hub: 'secret' | 'endpoint'` in their JSON Schema. */
  readonly config: StandardSchemaV1<unknown, Config> & StandardJSONSchemaV1<unknown, Config>;
  /** The system and versions it was proven against. */
  readonly expects?: { readonly system: string; readonly versions: string };
  /** Makes an adapter; pure, no input or output before `start`. */
  create(config: Config, host: Host): Adapter;
}

/** All an adapter may touch of the hub. */
export interface Host {
  /** The city's id, the name of its file under cities/. */
  readonly city: string;
  /** The city's ARS, 12 digits. */
  readonly ars: string;
  /** The contract version the hub chose. */
  readonly contract: string;
  now(): Date;
  /** Pooled, traced and redacting; refuses every host that the config does not declare as an endpoint. */
  readonly fetch: typeof globalThis.fetch;
  log(level: 'debug' | 'info' | 'warn' | 'error', message: string, facts?: Readonly<Record<string, string | number | boolean>>): void;
}

/** Around every call: when to stop and what it belongs to. */
export interface Call {
  readonly signal: AbortSignal;
  readonly deadline: Date;
  readonly traceparent: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
}

/** Around every call that changes something in the back office. */
export interface WriteCall extends Call {
  /** Same key, same effect. The hub runs one call per key at a time. */
  readonly key: string;
  /** Durable memo: runs `run` once per key and name and remembers its result over retries and restarts. */
  step<T extends Json>(name: string, run: () => Promise<T>): Promise<T>;
}

/** A back office as the hub sees it. A port that is present is a capability; traits refine it. */
export interface Adapter {
  start(call: Call): Promise<void>;
  /** Idempotent; leaves no timer and no socket. */
  stop(call: Call): Promise<void>;
  /** Read-only: config, reach, credentials, rights. */
  check(call: Call): Promise<Health>;
  readonly catalogue?: CataloguePort;
  readonly cases?: CasePort;
  readonly changes?: ChangesPort;
  readonly webhook?: WebhookPort;
  readonly events?: EventsPort;
  readonly rows?: RowsPort;
}

export interface Health {
  readonly ok: boolean;
  /** The system found, with its version where it tells. */
  readonly system?: string;
  readonly probes: readonly { readonly name: string; readonly ok: boolean; readonly ms: number; readonly hint?: string }[];
}

export interface CataloguePort {
  /** Every offer, or throws: never a part (a part would look like deleted offers). One that cannot be read is told as malformed. */
  listOffers(call: Call): AsyncIterable<OfferPage>;
}

export interface CasePort {
  readonly traits: {
    readonly maxBatch: number;
    /**
     * `native`: the back office honours the key; `steps`: it does not, but the steps remembered under a key (`call.step`) are enough for
     * the same call to have the same effect; `lookup`: it can be asked for a key; `none`: an unknown effect is parked for a person.
     */
    readonly idempotency: 'native' | 'steps' | 'lookup' | 'none';
    /** Present where attachments are taken; a submission with others is never handed over. */
    readonly attachments?: { readonly maxBytes: number; readonly mediaTypes: readonly string[] };
    /** Present where the back office tells nobody of changes: in this rhythm, in milliseconds, the hub loads open cases, at most `maxBatch` each time. */
    readonly pollMs?: number;
    /**
     * `queued`: what `withdraw` hands over shows in the case later, when the back office comes to it, in days perhaps. Absent: it shows
     * at once, and the hub asks a person if after a minute it does not. Since 1.1.
     */
    readonly withdrawals?: 'queued';
  };
  submit(application: Submission, call: WriteCall): Promise<Receipt>;
  /** Required where `idempotency` is `lookup`. Same length and order as keys. */
  findByKey?(keys: readonly string[], call: Call): Promise<Batch<CaseRef>>;
  loadCases(refs: readonly CaseRef[], call: Call): Promise<Batch<CaseSnapshot>>;
  withdraw?(ref: CaseRef, reason: string, call: WriteCall): Promise<void>;
}

export interface ChangesPort {
  readonly traits: {
    readonly ordering: 'per-case' | 'none';
    readonly overlapMs: number;
    readonly everyMs: number;
    /**
     * `safe`: no record moves a cursor past now, whatever moment it has, and a cursor past now is read as the beginning. Absent: the hub keeps the
     * cursor it had while a pull tells of a moment in the future.
     */
    readonly cursors?: 'safe';
  };
  /** At least once; `next` is a safe place to start again. */
  pull(from: Cursor | null, call: Call): AsyncIterable<ChangePage>;
  /** A cursor from which everything is told that changed since a moment; absent if the back office keeps the place. */
  cursorAt?(moment: Date): Cursor;
}

/** Verifies and parses a notification of the back office; writes nothing. */
export interface WebhookPort {
  readonly traits: { readonly auth: 'signature' | 'secret-path' | 'mtls'; readonly replayWindowMs: number };
  receive(
    request: { readonly method: string; readonly headers: Headers; readonly raw: Uint8Array },
    call: Call,
  ): Promise<{
    readonly changes: readonly CaseChange[];
    /** Records of the notification that cannot be read; the hub takes the others. */
    readonly malformed?: readonly MalformedRecord[];
    /**
     * What the protocol calls the message by: the same when it is sent again because no answer came, another for every other message.
     * Of two that are equal in id and body, the hub takes one. Absent where the protocol has none: equal bodies alone prove nothing, for
     * two notices that say the same may tell of two events. Since 1.1.
     */
    readonly id?: string;
    readonly reply?: { readonly status: number; readonly body?: string };
  }>;
}

/** Takes events of other cities into the back office. */
export interface EventsPort {
  /** Event types it can take, for example `move.registered`. */
  readonly types: readonly string[];
  /** `call.key` is the id of the event: the same event again changes nothing. */
  receive(event: HubEvent, call: WriteCall): Promise<void>;
}

/** Answers contract fields (schema/contracts/*.graphql) for the rows that belong to its city. */
export interface RowsPort {
  readonly traits: { readonly maxBatch: number };
  /** Fields it answers, for example `Municipality.kitas`. */
  readonly fields: readonly string[];
  /** Same length and order as `query.rows`. */
  load(query: RowQuery, call: Call): Promise<Batch<Row>>;
}

/** One contract field asked for some rows. */
export interface RowQuery {
  /** For example `Municipality.kitas`. */
  readonly field: string;
  /** Rows asked for, by ARS. */
  readonly rows: readonly string[];
  /** Arguments of the field as JSON, without null. */
  readonly args: { readonly [name: string]: Json };
  /** What is asked of each value, as a GraphQL selection set with neither variables, aliases nor fragments; empty for a scalar. */
  readonly selection: string;
}

/** A row's answer, with the ARS it is about: an answer about somebody else's row is refused. */
export interface Row {
  readonly ars: string;
  readonly value: Json;
}

/** Opaque, at most 4 KiB; the hub stores it in one transaction with the page it closes. */
export type Cursor = string;

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: Cursor;
}

/** A page of changes. */
export interface ChangePage extends Page<CaseChange> {
  /** Records of the page that cannot be read: the hub sets them aside, and takes the others. */
  readonly malformed?: readonly MalformedRecord[];
}

/** A page of offers. */
export interface OfferPage extends Page<OfferRecord> {
  /** Entries of the page that cannot be read: the hub keeps what it has of them, and takes the others. Since 1.1. */
  readonly malformed?: readonly MalformedRecord[];
}

/** A record of the back office that cannot be read. */
export interface MalformedRecord {
  /** Id of the case, or `localKey` of the offer, where that much can be read. */
  readonly id?: string;
  /** What is wrong, in a short English sentence for the operator; it quotes nothing of the record. */
  readonly reason: string;
}

/** Same length and order as the keys asked for; null if there is none. */
export type Batch<T> = readonly (T | null | AdapterError)[];

/** A case in the back office. `publicNumber` is the number that citizens see (Aktenzeichen). */
export interface CaseRef {
  readonly id: string;
  readonly publicNumber?: string;
}

/** Who applies. Personal data: goes to the back office, nowhere else. */
export interface Person {
  readonly name: string;
  readonly email?: string;
  readonly phone?: string;
  readonly ids?: Readonly<Record<string, string>>;
}

/** An application as the back office gets it. */
export interface Submission {
  /** Service key and, for people, its name. */
  readonly service: string;
  readonly serviceName: string;
  readonly formRevision: string;
  /** The city's own id of the offer (OfferRecord.localKey). */
  readonly localKey: string;
  readonly applicant: Person;
  readonly formData: Json;
  readonly channel: string;
  readonly submittedAt: Date;
  /** Absent where there are none. */
  readonly attachments?: readonly Attachment[];
}

/** A document that belongs to an application. */
export interface Attachment {
  /** UUID, the same at every attempt. */
  readonly id: string;
  /** File name without a path, as the applicant gave it. */
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: number;
  /** SHA-256 of the content, hexadecimal. */
  readonly sha256: string;
  /** The content from its beginning; may be called again. */
  open(): ReadableStream<Uint8Array>;
}

export interface Receipt {
  readonly ref: CaseRef;
  /** `queued`: the back office will create the case later. */
  readonly taken: 'now' | 'queued';
  /** True if the back office already had this key. */
  readonly replayed: boolean;
  /** Ids of attachments that did not arrive, where the back office takes a submission in parts. */
  readonly undone?: readonly string[];
}

export interface CaseSnapshot {
  readonly ref: CaseRef;
  /** The status in the back office's own words; the city's `statusMap` translates it. */
  readonly nativeStatus: string;
  /** Grows or differs with every change of the case. */
  readonly version: string;
  readonly updatedAt: Date;
}

export interface CaseChange extends CaseSnapshot {
  /** Stable across redelivery. */
  readonly id: string;
}

export type AdapterErrorKind = 'retryable' | 'unavailable' | 'rejected' | 'misconfigured' | 'unsupported' | 'malformed';

/** What an adapter throws. Message and evidence hold neither secrets nor personal data. */
export class AdapterError extends Error {
  readonly kind: AdapterErrorKind;
  /** Did the write land? `unknown`: look it up by key, never retry blindly. */
  readonly effect: 'none' | 'unknown' | 'done';
  readonly retryAfterMs?: number;
  /** JSON pointer → text a citizen can read. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly evidence?: string;

  constructor(
    kind: AdapterErrorKind,
    effect: 'none' | 'unknown' | 'done',
    message: string,
    more: { retryAfterMs?: number; fields?: Readonly<Record<string, string>>; evidence?: string; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'AdapterError';
    this.kind = kind;
    this.effect = effect;
    if (more.retryAfterMs !== undefined) this.retryAfterMs = more.retryAfterMs;
    if (more.fields) this.fields = more.fields;
    if (more.evidence !== undefined) this.evidence = more.evidence;
  }
}

const kinds: ReadonlySet<unknown> = new Set<AdapterErrorKind>([
  'retryable',
  'unavailable',
  'rejected',
  'misconfigured',
  'unsupported',
  'malformed',
]);
const effects: ReadonlySet<unknown> = new Set<AdapterError['effect']>(['none', 'unknown', 'done']);

/** True for an AdapterError of this or another copy of the contract: an adapter may have brought its own. */
export function isAdapterError(error: unknown): error is AdapterError {
  if (!(error instanceof Error) || error.name !== 'AdapterError') return false;
  const { kind, effect } = error as Partial<AdapterError>;
  return kinds.has(kind) && effects.has(effect);
}

/** Status that a city's `statusMap` may name as a target. */
export const mappableStatuses = [
  'received',
  'in_review',
  'action_required',
  'granted',
  'partly_granted',
  'refused',
  'withdrawn',
  'closed',
] as const;
export type MappableStatus = (typeof mappableStatuses)[number];

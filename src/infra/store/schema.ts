import type { ColumnType, Generated } from 'kysely';
import type { RegionalKey, ServiceKey } from '#contract';

/** Keys are read as what they are, so that nobody compares them as texts. */
type ArsColumn = ColumnType<RegionalKey, string, string>;
type ServiceKeyColumn = ColumnType<ServiceKey, string, string>;

/**
 * Tables of the hub, the same on SQLite and PostgreSQL. Ids are text (UUIDv7), times are epoch milliseconds, JSON is
 * text, flags are 0 or 1. `migrations/` makes them; each feature's `records.ts` holds the SQL that reads and writes them.
 */
export interface Database {
  // ---- events ------------------------------------------------------------------------------------
  /** The event log, which is the outbox. `seq` grows in commit order (see eventlog.ts). Column names as Debezium's event router expects. */
  event_log: {
    seq: Generated<number>;
    id: string;
    aggregatetype: string;
    aggregateid: string;
    type: string;
    municipality: string | null;
    payload: string;
    occurred_at: number;
    traceparent: string | null;
  };
  /** How far each reader of the log has come. */
  reader_cursor: { reader: string; seq: number; updated_at: number };
  /** Events whose effect a consumer has already had; written in the handler's transaction. */
  inbox: { consumer: string; event_id: string; seen_at: number };
  /** Events that a consumer could not have the effect of, and later ones of the same aggregates, until a person releases them (see bus/inbox.ts). */
  parked_event: {
    consumer: string;
    aggregatetype: string;
    aggregateid: string;
    seq: number;
    event_id: string;
    /** JSON of the LoggedEvent. */
    event: string;
    /** Code or name of what it failed on; null if it only waits behind another. */
    reason: string | null;
    attempts: number;
    parked_at: number;
  };
  /** Who alone may do a thing at a time (the relay, a city's pull), until when. `fence` grows with every change of hands. */
  lease: { name: string; holder: string; until: number; fence: number };

  // ---- catalogue -----------------------------------------------------------------------------------
  municipality: {
    ars: string;
    ags: string;
    name: string;
    kind: string;
    federal_state: string;
    district: string | null;
    population: number | null;
    area_hectares: number | null;
    valid_from: string | null;
    valid_to: string | null;
  };
  /** Municipalities that changed their key: both old and new resolve. */
  municipality_change: { old_ars: string; new_ars: string; valid_from: string; source: string };
  postal_code: { postal_code: string; ags: string; place: string };
  service: {
    key: string;
    name_de: string;
    name_en: string | null;
    summary_de: string | null;
    summary_en: string | null;
    typing: string | null;
    ozg_id: string | null;
    /** JSON arrays of strings. */
    life_situations: string;
    legal_basis: string;
    source: string;
    as_of: string;
  };
  service_equivalence: { key_a: string; key_b: string; provenance: string; source: string; as_of: string };
  offer: {
    id: string;
    service_key: string;
    /** The city's own id within its source. */
    local_key: string;
    source: string;
    /** Region (ARS of 2 to 12 digits) the offer holds for. */
    area: string;
    /** ARS of the municipality whose authority it is. */
    ars: string;
    /** JSON of the OfferRecord. */
    record: string;
    /** Hash of the record: an import that finds the same changes nothing. */
    revision: string;
    valid_from: string | null;
    valid_to: string | null;
    imported_at: number;
  };
  /** One row per source of offers or reference records: what was last taken over, what was last refused. */
  catalogue_source: {
    source: string;
    ars: string | null;
    format: string;
    content_hash: string | null;
    offers: number;
    mapped: number;
    unmapped: number;
    as_of: number | null;
    checked_at: number;
    problem: string | null;
  };

  // ---- applications --------------------------------------------------------------------------------
  application: {
    id: string;
    /** City id (name of its file) and adapter id within it. */
    city: string;
    adapter: string;
    offer_id: string;
    service_key: ServiceKeyColumn;
    ars: ArsColumn;
    status: string;
    status_since: number;
    /** Code why it is parked. */
    parked_reason: string | null;
    form_revision: string;
    channel: string;
    assurance_level: string;
    /** Issuer and subject of the token that submitted it. */
    owner: string;
    /** JSON of applicant and form data; null once the back office has it (data minimisation). */
    payload: string | null;
    case_ref: string | null;
    case_number: string | null;
    native_status: string | null;
    native_version: string | null;
    native_updated_at: number | null;
    /** Grows with every change; writers compare it. */
    version: number;
    submitted_at: number;
    traceparent: string | null;
    /** Travels to the back office; null for what was taken when that was the id. */
    delivery_key: string | null;
  };
  /** Idempotency records of the API. */
  submission_key: { owner: string; key: string; request_hash: string; application_id: string; created_at: number };
  delivery_job: {
    id: string;
    application_id: string;
    city: string;
    adapter: string;
    kind: 'submit' | 'withdraw';
    /** Travels to the back office; same key, same effect. */
    key: string;
    state: 'queued' | 'leased' | 'done' | 'parked' | 'cancelled';
    attempts: number;
    /** `unknown` from before the first byte until the outcome is known. */
    effect: 'none' | 'unknown';
    not_before: number;
    lease_until: number | null;
    /** Fencing number: a result counts only under the fence it was leased with. */
    fence: number;
    last_error: string | null;
    reason: string | null;
    created_at: number;
    updated_at: number;
    /** JSON of what the back office said against it, without what it repeated of the application; null if it said nothing or has it now. */
    refusal: string | null;
  };
  /** What may be applied for once at a time, by digest; whoever holds it does so as long as its status says. `ends_at` null: no day. */
  taken_once: { digest: string; application_id: string; ends_at: number | null };
  /** When the store was made again from a backup: what was delivered since the backup is not known here. */
  restoration: { at: number };
  /** Durable memo of `WriteCall.step`. */
  delivery_step: { key: string; name: string; result: string; done_at: number };
  /** Where the pull of a city's changes goes on. */
  change_cursor: { city: string; adapter: string; cursor: string; updated_at: number };
  seen_change: { city: string; adapter: string; change_id: string; seen_at: number };
  /** Notifications that took effect, by the digest of their id and their body. */
  seen_message: { city: string; adapter: string; digest: string; seen_at: number };
  /** Changes that cannot be applied yet: status without a mapping, or a case the hub does not know (yet). */
  held_change: {
    city: string;
    adapter: string;
    change_id: string;
    case_ref: string;
    case_number: string | null;
    native_status: string;
    native_version: string;
    native_updated_at: number;
    reason: 'unmapped-status' | 'unknown-case';
    held_at: number;
  };

  /** Records of a back office that cannot be read, or whose moment cannot be true. No part of their content. */
  set_aside_record: {
    city: string;
    adapter: string;
    /** Id of the case; empty if it has none that can be read. */
    record: string;
    reason: string;
    first_at: number;
    last_at: number;
  };

  // ---- events to cities ----------------------------------------------------------------------------
  /** A city that gets events, and how its channel fares. */
  event_receiver: {
    /** City id. */
    city: string;
    /** Events up to here are not for it: they happened before it got any. */
    from_seq: number;
    /** Failures of the channel in a row, since when, and when it may be tried again. */
    failures: number;
    failing_since: number | null;
    not_before: number;
    succeeded_at: number | null;
    last_error: string | null;
    paused_at: number | null;
    /** `FAILING`, `GONE` or `BY_HAND`. */
    pause_reason: string | null;
  };
  /** What a city is to get. The event itself stands in the log. */
  event_delivery: {
    city: string;
    event_id: string;
    seq: number;
    type: string;
    aggregatetype: string;
    aggregateid: string;
    state: 'waiting' | 'leased' | 'delivered' | 'parked' | 'skipped' | 'discarded';
    attempts: number;
    /** When it failed for the first time since it was queued. */
    failed_at: number | null;
    not_before: number;
    lease_until: number | null;
    /** Fencing number: a result counts only under the fence it was leased with. */
    fence: number;
    last_error: string | null;
    /** Why it is parked or skipped. */
    reason: string | null;
    /** How often it was asked for again. */
    replays: number;
    queued_at: number;
    updated_at: number;
  };
  /** The delivery log: every attempt, without content. */
  event_attempt: {
    id: string;
    city: string;
    event_id: string;
    attempt: number;
    channel: string;
    at: number;
    ms: number;
    /** `DELIVERED` or the class of the error. */
    outcome: string;
    /** HTTP status, where there was one. */
    status: number | null;
  };
  /** What a city asks for beside what is addressed to it. JSON arrays of strings. */
  event_subscription: { id: string; city: string; types: string; services: string; created_at: number; created_by: string };
  /** Who decided what about deliveries, when and why. */
  event_decision: {
    id: string;
    city: string;
    event_id: string | null;
    action: string;
    by: string;
    reason: string | null;
    at: number;
  };

  // ---- cases between cities ------------------------------------------------------------------------
  /** Made of the events of a case, as are the three tables below; may be dropped and made again. */
  case_file: {
    id: string;
    kind: string;
    /** Digest of the key under which its kind knows it. */
    correlation: string;
    /** JSON, keys in order. */
    state: string;
    /** Where it began. */
    ars: ArsColumn;
    service_key: ServiceKeyColumn;
    application_id: string;
    outcome: string | null;
    opened_at: number;
    changed_at: number;
    closed_at: number | null;
    /** Number of its events; writers compare it. */
    version: number;
  };
  /** Cities that a case concerns. */
  case_participant: { case_id: string; ars: ArsColumn };
  /** Applications that belong to a case, and whose they are: a portal's cases must be found without reading its applications. */
  case_application: { case_id: string; application_id: string; owner: string | null };
  /** What open cases wait for. */
  case_waiting: {
    case_id: string;
    step: string;
    /** ARS. */
    city: string;
    by: 'city' | 'clerk' | 'office' | 'time';
    code: string;
    /** JSON arrays of strings. */
    choices: string;
    fields: string;
    application_id: string | null;
    due_at: number | null;
  };
  /** Who answered what: kept, not made of events. `by` is issuer and subject of the token. */
  case_answer: { case_id: string; step: string; city: string; choice: string; fields: string; by: string; answered_at: number };
  /** What the form of an application says that matters between cities, read when it is submitted. No personal data. */
  application_mark: {
    application_id: string;
    /** Digest that is the same for all applications of one applicant; null if applicants cannot be told apart. */
    applicant: string | null;
    /** JSON. */
    marks: string;
  };
  /** What a partner city must know of a person, sealed; erased with the end of the case, at the latest at `erase_at`. */
  case_facts: { application_id: string; sealed: string; sealed_at: number; erase_at: number };
  /** Who read sealed facts, and when. */
  case_facts_reading: { id: string; case_id: string; city: string; by: string; read_at: number };

  // ---- federation ----------------------------------------------------------------------------------
  /** Subgraphs of the graph, as they were accepted last. */
  subgraph: {
    name: string;
    url: string;
    sdl: string;
    /** SHA-256 of what was accepted: address, SDL and settings. */
    hash: string;
    /** Whether a file of the installation names it, or somebody registered it over the API. */
    origin: 'file' | 'api';
    /** JSON of its limits, claims and grants. */
    settings: string;
    accepted_at: number;
  };
}

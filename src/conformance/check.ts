import type { Adapter, AdapterDefinition, Call, CaseRef, HubEvent, Json, Submission, WriteCall } from '#contract';
import type { Exchange, Fault } from './faults.ts';
import type { Samples } from './samples.ts';

/** Ports an adapter may have; one that is absent makes its checks not applicable. */
export type PortName = 'catalogue' | 'cases' | 'changes' | 'webhook' | 'events' | 'rows';

/** One promise of the contract and how to see whether it is kept. */
export interface Check {
  /** `<group>.<promise>`, for example `submit.once`; never changes its meaning. */
  readonly id: string;
  /** RFC 2119: a SHOULD that fails is shown and does not keep the adapter out. */
  readonly level: 'MUST' | 'SHOULD';
  /** The promise in one sentence. */
  readonly title: string;
  /** What to do where it is not kept, in general; a finding may say it more exactly. */
  readonly remedy: string;
  /** The port it is about: where the adapter has none, the check is not applicable and does not run. */
  readonly port?: PortName;
  /** Resolves to what was found; what it throws becomes a failure. Whatever it opened is stopped afterwards. */
  run(bench: Bench): Promise<Finding>;
}

/** What a check found. */
export type Finding =
  | { readonly status: 'pass' }
  | { readonly status: 'fail'; readonly expected: string; readonly got: string; readonly remedy: string }
  | { readonly status: 'not-applicable'; readonly because: string }
  | { readonly status: 'unverified'; readonly because: string; readonly remedy: string };

export const pass: Finding = { status: 'pass' };
/** Each in a short sentence; without secrets and without personal data. */
export const fail = (expected: string, got: string, remedy: string): Finding => ({ status: 'fail', expected, got, remedy });
export const notApplicable = (because: string): Finding => ({ status: 'not-applicable', because });
/** Nothing could be seen: never a pass. The remedy says what the samples lack. */
export const unverified = (because: string, remedy: string): Finding => ({ status: 'unverified', because, remedy });

/** Where a check works: one adapter, its config and samples, and everything that may go wrong around it. */
export interface Bench {
  readonly definition: AdapterDefinition;
  readonly samples: Samples;
  /** The config of the city's file, references resolved. */
  readonly config: Json;
  readonly ars: string;
  /** Values that nobody may see. */
  readonly secrets: readonly string[];
  /** Native statuses that the city's file translates. */
  readonly mappedStatuses: ReadonlySet<string>;
  /** Those of them that mean withdrawn; empty if the city names none. */
  readonly withdrawnStatuses: ReadonlySet<string>;
  /** JSON Schema of the config. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** Which ports the adapter has with this config. */
  readonly ports: ReadonlySet<PortName>;
  /** An adapter of its own behind a proxy of its own, started. Stopped after the check, if the check does not. */
  readonly open: (options?: OpenOptions) => Promise<Opened>;
  /** The time adapters see as `host.now()`. */
  readonly now: () => Date;
  /** Moves it; null: real time again. Reset after the check. */
  readonly setNow: (moment: Date | null) => void;
  /** An application made from `samples.valid[index]`; null if there is none. A new one each time (submittedAt, attachment ids). */
  readonly submission: (index?: number, over?: Partial<Submission>) => Submission | null;
  /** An application made from `samples.invalid[index]`; null if there is none. */
  readonly invalidSubmission: (index?: number) => Submission | null;
  /** Moves a case on in the back office, as samples.advance says: to `status`, or to the next of its statuses. False if the samples do not say how. */
  readonly advance: (ref: CaseRef, status?: string) => Promise<boolean>;
  /** How many cases with this key the back office really has, as samples.count says; null if the samples do not say how. */
  readonly count: (key: string) => Promise<number | null>;
  /** How many cases it has at all, as samples.total says; null if the samples do not say how. */
  readonly total: () => Promise<number | null>;
  /** What it holds of a case, as samples.readBack prints it; null if the samples do not say how. */
  readonly readBack: (ref: CaseRef, key: string) => Promise<string | null>;
  /** An event made from `samples.events[index]`, with a new id each time; null if there is none. */
  readonly event: (index?: number) => HubEvent | null;
  /** How many times an event took effect, as samples.countEvents says; null if the samples do not say how. */
  readonly countEvents: (id: string) => Promise<number | null>;
  /** Says that what the check has seen may be the work of others in the back office: if it fails, it is run again before that is believed. */
  readonly noteDoubt: () => void;
  /** Changes a form of the catalogue, as samples.changeForm says; false if the samples do not say how. */
  readonly changeForm: () => Promise<boolean>;
}

export interface OpenOptions {
  /** Every secret is another one than the right one. */
  readonly wrongSecrets?: boolean;
  /** Changes the config, references resolved and endpoints led through the proxy, before the schema sees it. */
  readonly config?: (config: Json) => Json;
  /** False: the adapter is made but not started. @default true */
  readonly start?: boolean;
  /** Endpoints become https, presented with a certificate that expired. */
  readonly tlsExpired?: boolean;
}

export interface ReadOptions {
  /** Time until the signal aborts, in milliseconds. @default the city's limits.timeoutMs */
  readonly deadlineMs?: number;
  /** Aborts earlier. */
  readonly signal?: AbortSignal;
  /** @default 1 */
  readonly attempt?: number;
}

export interface WriteOptions extends ReadOptions {
  /** @default a new key */
  readonly key?: string;
  /** Recorded steps; pass the same one again for a retry. @default a new one */
  readonly memo?: Memo;
}

/** What the hub remembers of a write: the results of its finished steps, by name. */
export interface Memo {
  readonly steps: Map<string, Json>;
  /** Called when a step was recorded; what it throws ends the write there, as a crash would. */
  onStep?: (name: string) => void;
}

/** An adapter at work. Calls run as the hub runs them (same host, same signal, same trace) and throw what the adapter threw. */
export interface Opened {
  readonly adapter: Adapter;
  /** @throws what the adapter threw; NoEnd where it did not come to an end a second after its deadline. */
  readonly read: <T>(run: (adapter: Adapter, call: Call) => Promise<T>, options?: ReadOptions) => Promise<T>;
  /** @throws as read */
  readonly write: <T>(run: (adapter: Adapter, call: WriteCall) => Promise<T>, options?: WriteOptions) => Promise<T>;
  /** Sets a fault on all its endpoints; null: all is well again. Exchanges count from here. */
  readonly fault: (fault: Fault | null) => Promise<void>;
  /** What passed the proxy since the last `fault`, or since it was opened. */
  readonly exchanges: () => readonly Exchange[];
  /** Everything it told its host's log, one JSON per line, before the hub redacts it. */
  readonly logged: () => readonly string[];
  /** Addresses (host:port) it connected to, fetch and own sockets alike, and those it may connect to. */
  readonly egress: () => { readonly to: readonly string[]; readonly allowed: readonly string[] };
  /** What it holds although it was stopped: timers, sockets, files. */
  readonly leftovers: () => readonly string[];
  /** Stops the adapter as the hub does: its `stop`, then the sockets of its `fetch`. May be called again. */
  readonly stop: () => Promise<void>;
}

/** A call did not come to an end: its signal aborted and a second later it still ran. */
export class NoEnd extends Error {
  constructor(afterMs: number) {
    super(`the call did not end within a second after its signal aborted (${Math.round(afterMs)} ms)`);
    this.name = 'NoEnd';
  }
}

/** An empty memo. */
export const createMemo = (): Memo => ({ steps: new Map() });

/** Everything of a listing, pages joined. */
export async function collect<T>(pages: AsyncIterable<{ readonly items: readonly T[] }>): Promise<T[]> {
  const all: T[] = [];
  for await (const { items } of pages) all.push(...items);
  return all;
}

import type { RecordField, Spoiling } from './proxy/spoil.ts';

/** What can go wrong with any protocol. */
export const tcpFaults = ['refused', 'timeout', 'slow-drip', 'reset', 'lost-reply', 'cut-body'] as const;
/** What can go wrong with HTTP on top. */
export const httpFaults = [
  '500',
  '502-html',
  '503-retry-after',
  '429',
  'html-login-page-with-200',
  'wrong-shape',
  'empty-200',
  '401-midway',
  'tls-expired',
] as const;

/**
 * - `refused` nobody listens: the connection is turned away
 * - `timeout` the request is swallowed and never reaches the back office
 * - `slow-drip` the back office works, its answer comes byte by byte
 * - `reset` the connection breaks before the request reaches the back office
 * - `lost-reply` the back office works, the connection breaks before its answer arrives
 * - `cut-body` the back office works, its answer ends in the middle
 * - `500`, `502-html`, `wrong-shape`, `empty-200` the back office works, its answer is swapped
 * - `503-retry-after`, `429`, `html-login-page-with-200`, `401-midway` answered by somebody in front, the request does not reach it
 * - `tls-expired` the certificate in front expired; set by opening with `tlsExpired`
 * - `echo` refuses with 400 and quotes the whole request, as careless systems do; not part of the matrix
 * - `odd-record` the back office works, one record in its answer is spoiled; not part of the matrix
 */
export type FaultName = (typeof tcpFaults)[number] | (typeof httpFaults)[number] | 'echo' | 'odd-record';

/** Seconds that `503-retry-after` and `429` ask for. */
export const RETRY_AFTER_SECONDS = 7;

/** A fault and the exchanges (a request and its answer, counted from 1 since it was set) it is aimed at. */
export interface Fault {
  readonly name: FaultName;
  /** First exchange it hits. @default 1 */
  readonly from?: number;
  /** How many exchanges it hits. @default all from there */
  readonly times?: number;
  /** Counts and hits only HTTP methods other than GET and HEAD; of a protocol that is not HTTP every exchange. @default false */
  readonly writesOnly?: boolean;
  /** Of `odd-record`: which record, and how. */
  readonly spoiling?: Spoiling;
}

/** One exchange as the proxy saw it; of a protocol that is not HTTP only that there was one. */
export interface Exchange {
  readonly endpoint: string;
  readonly method: string | null;
  /** Path and query. */
  readonly path: string | null;
  /** Status the adapter got; null if it got none (yet). */
  status: number | null;
  /** True once the request had reached the back office. */
  reached: boolean;
  /** The fault that hit it. */
  readonly fault: FaultName | null;
  /** What the record of an `odd-record` held before; absent if it was not in the answer. */
  fields?: readonly RecordField[];
}

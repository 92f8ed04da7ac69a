import type { AdmissionReport } from '../../cities/admission.ts';
import type { Check, Finding } from '../check.ts';

/** Where the back office was: simulated or recorded (`kit`), or the city's own test system (`live`). */
export type Tier = 'kit' | 'live';

/** One red line that somebody takes responsibility for, until a day. */
export interface Waiver {
  /** Id of a check. */
  readonly check: string;
  readonly owner: string;
  readonly reason: string;
  /** Last day it holds (ISO 8601 date). */
  readonly expires: string;
}

/** One check and what it found. A waiver never changes the finding. */
export interface Result {
  readonly id: string;
  readonly level: Check['level'];
  readonly title: string;
  readonly finding: Finding;
  readonly ms: number;
  readonly waiver?: Waiver & { readonly expired: boolean };
}

/** What the kit found out about one adapter; report.json. Admission reads its upper part. */
export interface Report extends AdmissionReport {
  readonly tier: Tier;
  /** The system that `check()` named, with its version where it tells. */
  readonly system: string | null;
  /** When it ran (RFC 3339). */
  readonly at: string;
  /** How long it took, in milliseconds. */
  readonly ms: number;
  readonly results: readonly Result[];
  /** Patterns of `--only`: a part of the checks admits nobody. */
  readonly only?: readonly string[];
}

/** How many results there are of each status. */
export const tally = (results: readonly Result[]): Readonly<Record<Finding['status'], number>> => {
  const counts = { pass: 0, fail: 0, unverified: 0, 'not-applicable': 0 };
  for (const { finding } of results) counts[finding.status]++;
  return counts;
};

/** A result that keeps its adapter out: a MUST that is neither kept nor without object, and for which nobody takes responsibility. */
export const blocks = ({ level, finding, waiver }: Result): boolean =>
  (level === 'MUST' && (finding.status === 'fail' || finding.status === 'unverified') && (!waiver || waiver.expired)) ||
  waiver?.expired === true;

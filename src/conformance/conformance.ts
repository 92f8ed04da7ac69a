import { checks } from './checks.ts';
import { readSamples } from './read-samples.ts';
import { readSubject } from './read-subject.ts';
import { reportHtml } from './report/html.ts';
import { reportJunit } from './report/junit.ts';
import { blocks, type Report, type Result, type Tier, type Waiver } from './report/report.ts';
import { reportText } from './report/text.ts';
import { createRun, matches, runConformance, type Run, type RunOptions } from './run.ts';
import type { Subject } from './subject.ts';
import { readWaivers } from './waivers.ts';

/** The conformance kit: everything that others may use of it. */
export { checks, readSamples, readSubject, readWaivers, reportHtml, reportJunit, reportText, runConformance };
export type { Report, RunOptions, Subject, Tier, Waiver };

export interface SuiteOptions extends RunOptions {
  /** A runner's `test` (vitest, node:test). */
  readonly test: (name: string, run: () => Promise<void>) => unknown;
  /** Called once, with the first test. */
  readonly subject: () => Promise<Subject>;
}

/** Every check as a test of its own, in any runner. A test fails where its check would keep the adapter out. */
export function conformance({ test, subject, ...options }: SuiteOptions): void {
  let run: Promise<Run> | null = null;
  for (const check of checks) {
    if (options.only && !matches(check.id, options.only)) continue;
    test(`${check.id}: ${check.title}`, async () => {
      run ??= subject().then((made) => createRun(made, options));
      const result = await (await run).check(check);
      if (blocks(result)) throw new Error(sentence(result));
    });
  }
}

const sentence = ({ id, finding }: Result): string =>
  finding.status === 'fail'
    ? `${id}: expected ${finding.expected}; got ${finding.got}. ${finding.remedy}`
    : finding.status === 'unverified'
      ? `${id} is unverified: ${finding.because}. ${finding.remedy}`
      : `${id}: a waiver expired`;

import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AdapterDefinition, Language } from '#contract';
import { complaintText, type Complaint } from '../cities/load/complaint.ts';
import {
  readSubject,
  readWaivers,
  reportHtml,
  reportJunit,
  reportText,
  runConformance,
  type Report,
  type RunOptions,
  type Subject,
  type Tier,
  type Waiver,
} from '../conformance/conformance.ts';

export interface ConformanceOptions {
  readonly adapters: readonly AdapterDefinition[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly language: Language;
  /** Product or module; with `shipped`, a product of the table or all of them. */
  readonly adapter?: string | undefined;
  /** Starts the back offices of adapters/conformance.ts and writes the reports that are committed. */
  readonly shipped?: boolean | undefined;
  readonly config?: string | undefined;
  /** Which of the file's adapters. */
  readonly name?: string | undefined;
  readonly samples?: string | undefined;
  readonly waivers?: string | undefined;
  readonly only?: readonly string[] | undefined;
  readonly tier?: Tier | undefined;
  /** @default 'text' */
  readonly report?: 'text' | 'json' | 'html' | 'junit' | undefined;
  /** File for the report. @default standard output */
  readonly out?: string | undefined;
}

/** What the verb says: the report, and beside it how far it is. */
export interface Voices {
  readonly out: (text: string) => void;
  readonly note: (line: string) => void;
}

const formats = {
  text: reportText,
  json: (report: Report) => `${JSON.stringify(report, null, 2)}\n`,
  html: reportHtml,
  junit: reportJunit,
} as const;

/** Runs the kit. Resolves to the exit code: 0 admitted, 1 not admitted, 2 wrong use, config, samples or waivers. */
export async function runConformanceVerb(options: ConformanceOptions, { out, note }: Voices): Promise<number> {
  if (options.shipped) return runShipped(options, { out, note });
  const { adapter, config, adapters: shipped, env, name, samples, language } = options;
  if (adapter === undefined || config === undefined) {
    note('Say which adapter (a product or the path of its module) and its city: conformance <adapter> --config <city.yaml>, or --shipped.');
    return 2;
  }
  const subject = await readSubject({ adapter, config, shipped, env, ...(name ? { name } : {}), ...(samples ? { samples } : {}) });
  const waivers = options.waivers === undefined ? [] : await readWaivers(options.waivers);
  const complaints = [...('complaints' in subject ? subject.complaints : []), ...('complaints' in waivers ? waivers.complaints : [])];
  if ('complaints' in subject || 'complaints' in waivers) return complain(complaints, language, note);
  if (samples === undefined)
    note('Without --samples most checks stay unverified: docs/reference/conformance.md says what to put into them.');
  const report = await run(subject, options, waivers, note);
  const text = formats[options.report ?? 'text'](report);
  if (options.out === undefined) out(text);
  else {
    await mkdir(dirname(options.out), { recursive: true });
    await writeFile(options.out, text);
    out(reportText(report));
  }
  return report.admitted || (report.only && isClean(report)) ? 0 : 1;
}

/** A part of the checks admits nobody; it is well where nothing of it would keep the adapter out. */
const isClean = ({ results }: Report): boolean =>
  results.length > 0 &&
  results.every(({ finding, level }) => level === 'SHOULD' || finding.status === 'pass' || finding.status === 'not-applicable');

function complain(complaints: readonly Complaint[], language: Language, note: Voices['note']): number {
  for (const complaint of complaints) note(complaintText(complaint, language));
  return 2;
}

async function run(
  subject: Subject,
  { only, tier }: ConformanceOptions,
  waivers: readonly Waiver[],
  note: Voices['note'],
): Promise<Report> {
  const options: RunOptions = {
    waivers,
    ...(only ? { only } : {}),
    ...(tier ? { tier } : {}),
    onCheck(check, result) {
      if (result) note(`${result.finding.status.padEnd(14)} ${check.id} (${result.ms} ms)`);
    },
  };
  return runConformance(subject, options);
}

/** The shipped adapters against their simulators; each leaves the report that is committed with it. */
async function runShipped(options: ConformanceOptions, { out, note }: Voices): Promise<number> {
  // Their simulators need libraries that a hub in production does without.
  const { kitBackOffices } = await import('../../adapters/conformance.ts');
  const { adapter, adapters: shipped, env, language, only } = options;
  const products = Object.keys(kitBackOffices).filter((product) => adapter === undefined || product === adapter);
  if (products.length === 0) {
    note(`${adapter}: no such product in adapters/conformance.ts, which has ${Object.keys(kitBackOffices).join(', ')}.`);
    return 2;
  }
  let code = 0;
  for (const product of products) {
    const folder = fileURLToPath(new URL(`../../adapters/${product}/conformance/`, import.meta.url));
    const office = await kitBackOffices[product]?.();
    if (!office) continue;
    try {
      const files = { config: join(folder, 'city.yaml'), samples: join(folder, 'samples.yaml') };
      const subject = await readSubject({ adapter: product, ...files, shipped, env: { ...env, ...office.env } });
      if ('complaints' in subject) return complain(subject.complaints, language, note);
      note(`${product}:`);
      const report = await run(subject, options, [], note);
      if (!only) await writeFile(join(folder, 'report.json'), formats.json(report));
      out(reportText(report));
      if (!report.admitted && !(only && isClean(report))) code = 1;
    } finally {
      await office.close();
    }
  }
  return code;
}

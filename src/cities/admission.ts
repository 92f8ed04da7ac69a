import { createHash, type Hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HubError, type AdapterDefinition } from '#contract';

/*
 * Which adapters may stand between the hub and a city: those whose report by the conformance kit is there, says "admitted"
 * and was made for exactly these files and this config schema. The kit writes reports, the loading of cities reads them;
 * both count in the same way, here.
 */

/** What a report is about: SHA-256, hexadecimal. */
export interface AdapterHash {
  /** Of the adapter's files. */
  readonly code: string;
  /** Of the JSON Schema of its config. */
  readonly config: string;
}

/** As much of a report as decides about admission; the kit writes more into it. */
export interface AdmissionReport {
  /** Version of the contract that was checked. */
  readonly contract: string;
  /** Id of the definition. */
  readonly product: string;
  /** Version of the adapter. */
  readonly version: string;
  readonly hash: AdapterHash;
  /** Every check passed, was not applicable, or is waived. */
  readonly admitted: boolean;
  /** Checks that someone answers for until a day (ISO 8601 date, inclusive). */
  readonly waivers?: readonly { readonly check: string; readonly expires: string }[];
}

/** `failed`: the report is about this adapter and says no, or a waiver has run out. */
export type Admission = 'current' | 'stale' | 'missing' | 'failed';

/** Where an adapter's report lies: `conformance/report.json` beside its module. */
export const reportPath = (moduleUrl: string): string => join(dirname(fileURLToPath(moduleUrl)), 'conformance', 'report.json');

/** The module of an adapter that ships with the hub. */
export const shippedModule = (product: string): string => new URL(`../../adapters/${product}/index.ts`, import.meta.url).href;

/**
 * What identifies an adapter as it was checked: every file in its module's folder, except tests, texts (`*.md`), `conformance/`,
 * `node_modules/` and names that begin with a dot; and what its config looks like. Line ends do not count.
 * @throws HubError CONFIG_INVALID if one of them is a symlink: what it leads to would change unnoticed
 */
export function hashAdapter(moduleUrl: string, definition: AdapterDefinition): AdapterHash {
  const folder = dirname(fileURLToPath(moduleUrl));
  const code = createHash('sha256');
  for (const file of filesOf(folder)) {
    const content = Buffer.from(readFileSync(join(folder, file), 'latin1').replaceAll('\r\n', '\n'), 'latin1');
    part(code, file.replaceAll(sep, '/'));
    part(code, content);
  }
  const schema = definition.config['~standard'].jsonSchema.input({ target: 'draft-2020-12' });
  return {
    code: code.digest('hex'),
    config: createHash('sha256')
      .update(JSON.stringify(inOrder(schema)))
      .digest('hex'),
  };
}

/** The length goes first, or two files could share their bytes out differently and count as the same. */
const part = (hash: Hash, content: string | Buffer): void => void hash.update(`${Buffer.byteLength(content)}\0`).update(content);

const leftOut = /(^|[\\/])(\.|node_modules[\\/]|conformance[\\/]|tests?[\\/])|\.test\.[cm]?[jt]sx?$|\.md$/;

function filesOf(folder: string): readonly string[] {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => ({ entry, file: join(entry.parentPath, entry.name).slice(folder.length + 1) }))
    // A link to a folder, such as node_modules, counts under the folder's rule.
    .filter(({ entry, file }) => !leftOut.test(file) && !(entry.isSymbolicLink() && leftOut.test(file + sep)));
  const link = found.find(({ entry }) => entry.isSymbolicLink());
  if (link)
    throw new HubError('CONFIG_INVALID', {
      de: `${join(folder, link.file)} ist ein Symlink: Der Bericht eines Adapters gilt für dessen eigene Dateien. Legen Sie die Datei selbst dorthin, oder importieren Sie sie als Paket.`,
      en: `${join(folder, link.file)} is a symlink: the report of an adapter is about its own files. Put the file itself there, or import it as a package.`,
    });
  return found
    .filter(({ entry }) => entry.isFile())
    .map(({ file }) => file)
    .toSorted();
}

function inOrder(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(inOrder);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, item]) => [name, inOrder(item)]));
}

/** The report in a file; null if there is none, or where it is not one. */
export function readReport(path: string): AdmissionReport | null {
  try {
    const report = JSON.parse(readFileSync(path, 'utf8')) as unknown;
    return isReport(report) ? report : null;
  } catch {
    return null;
  }
}

function isReport(value: unknown): value is AdmissionReport {
  const report = value as Partial<AdmissionReport> | null;
  const texts = [report?.contract, report?.product, report?.version, report?.hash?.code, report?.hash?.config];
  const waivers = report?.waivers ?? [];
  return (
    typeof report?.admitted === 'boolean' &&
    texts.every((text) => typeof text === 'string') &&
    Array.isArray(waivers) &&
    waivers.every((waiver) => typeof waiver?.check === 'string' && typeof waiver.expires === 'string')
  );
}

/** Null if no report can be about these files; the kit says why. */
function hashOrNull(moduleUrl: string, definition: AdapterDefinition): AdapterHash | null {
  try {
    return hashAdapter(moduleUrl, definition);
  } catch (error) {
    if (error instanceof HubError) return null;
    throw error;
  }
}

/** What a report means for an adapter as it is today. */
export function admission(report: AdmissionReport | null, moduleUrl: string, definition: AdapterDefinition, now = new Date()): Admission {
  if (report === null) return 'missing';
  const hash = hashOrNull(moduleUrl, definition);
  const same =
    hash !== null &&
    report.product === definition.id &&
    report.version === definition.version &&
    definition.contract.some((version) => version === report.contract) &&
    report.hash.code === hash.code &&
    report.hash.config === hash.config;
  if (!same) return 'stale';
  const today = now.toISOString().slice(0, 10);
  return report.admitted && !(report.waivers ?? []).some(({ expires }) => expires < today) ? 'current' : 'failed';
}

import { createHash } from 'node:crypto';
import { AdapterError, type Submission } from '#contract';
import type { FiledropConfig } from './config.ts';
import { encode, transliterate, unencodable } from './encoding.ts';

/** What the sources of a field may point into. */
export const toSource = (application: Submission, key: string, files: readonly string[]): unknown => ({
  key,
  service: application.service,
  serviceName: application.serviceName,
  localKey: application.localKey,
  formRevision: application.formRevision,
  channel: application.channel,
  submittedAt: application.submittedAt.toISOString(),
  applicant: application.applicant,
  formData: application.formData,
  files: files.join(' '),
});

/** The value a JSON pointer (RFC 6901) names, or undefined where there is none. */
function at(document: unknown, pointer: string): unknown {
  let value = document;
  for (const step of pointer.slice(1).split('/')) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

const toText = (value: unknown): string =>
  value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);

const valueOf = (from: string, source: unknown): string =>
  from.startsWith('/') ? toText(at(source, from)) : from.replaceAll(/\{(\/[^{}]*)\}/g, (_, pointer: string) => toText(at(source, pointer)));

/** The content of one file. @throws AdapterError rejected, with the fields, where one is missing, too long, or has no form in the encoding. */
export function render(fields: Readonly<Record<string, string>>, source: unknown, config: FiledropConfig['outbox']): Buffer {
  const values = Object.entries(fields).map(([name, from]) => [name, valueOf(from, source), from] as const);
  refuse(
    values.flatMap(([name, value, from]) => {
      if (config.required.includes(name) && value.trim() === '') return [[from, 'Diese Angabe fehlt. / This value is missing.']];
      const most = config.longest[name] ?? Number.POSITIVE_INFINITY;
      const isLong = Array.from(value).length > most;
      return isLong ? [[from, `Höchstens ${most} Zeichen. / At most ${most} characters.`]] : [];
    }),
    'the back office would not take the file: values are missing or too long',
  );
  return config.format === 'csv' ? renderCsv(values, config) : renderXml(values, config);
}

function refuse(problems: readonly (readonly string[])[], message: string): void {
  if (problems.length === 0) return;
  // Of a text that is put together from several parts no single field can be named.
  const fields = Object.fromEntries(problems.map(([from = '', text = '']) => [from.startsWith('/') ? from : '', text]));
  throw new AdapterError('rejected', 'none', message, { fields });
}

type Values = readonly (readonly [name: string, value: string, from: string])[];

function renderCsv(values: Values, { encoding, delimiter, formulas, unencodable: policy }: FiledropConfig['outbox']): Buffer {
  if (policy === 'refuse')
    refuse(
      values.flatMap(([, value, from]) => {
        const strange = unencodable(value, encoding).slice(0, 10).join(' ');
        return strange === ''
          ? []
          : [[from, `Diese Zeichen kann die Behörde nicht aufnehmen / The authority cannot take these characters: ${strange}`]];
      }),
      'the back office’s encoding has no form for some letters',
    );
  const cell = (text: string) => {
    const safe = formulas === 'neutralise' ? neutralise(text) : text;
    return safe.includes(delimiter) || /["\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const line = (cells: readonly string[]) => `${cells.map(cell).join(delimiter)}\r\n`;
  return encode(line(values.map(([name]) => name)) + line(values.map(([, value]) => transliterate(value, encoding))), encoding);
}

/** A text that a spreadsheet would calculate becomes one that it shows. Numbers with a sign and numbers of telephones name no function and no cell: they stay. */
export const neutralise = (text: string): string =>
  /^\s*[=+\-@＝＋－＠\t\r]/.test(text) && !/^\s*[+-]?(\(\+?\d+\) ?)?\d[\d .,/()-]*$/.test(text) ? `'${text}` : text;

interface Element {
  text: string;
  readonly children: Map<string, Element>;
}

function renderXml(values: Values, { encoding, root }: FiledropConfig['outbox']): Buffer {
  const top: Element = { text: '', children: new Map() };
  for (const [path, value] of values) {
    let place = top;
    for (const name of path.split('/')) {
      let next = place.children.get(name);
      if (!next) place.children.set(name, (next = { text: '', children: new Map() }));
      place = next;
    }
    place.text = value;
  }
  const write = (name: string, { text, children }: Element, indent: string): string => {
    const inner =
      children.size === 0 ? '' : `\n${[...children].map(([child, element]) => write(child, element, `${indent}  `)).join('')}${indent}`;
    return `${indent}<${name}>${escape(text, encoding)}${inner}</${name}>\n`;
  };
  return encode(`<?xml version="1.0" encoding="${encoding}"?>\n${write(root, top, '')}`, encoding);
}

/** Text as XML 1.0 can hold it; what the encoding does not have becomes a reference, so nothing is lost. */
function escape(text: string, encoding: FiledropConfig['outbox']['encoding']): string {
  const strange = new Set(unencodable(text, encoding));
  return Array.from(text.toWellFormed(), (character) => {
    if (character === '&') return '&amp;';
    if (character === '<') return '&lt;';
    if (character === '>') return '&gt;';
    // A bare carriage return would be read as a line feed.
    if (character === '\r' || strange.has(character)) return `&#${character.codePointAt(0)};`;
    return /[^\t\n\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.test(character) ? '' : character;
  }).join('');
}

/** Part of a file's name for a key: the same key, the same name, on servers too that do not tell A from a; nothing of it can be a path. */
export const nameOf = (key: string): string =>
  /^[a-z0-9][a-z0-9-]{0,63}$/.test(key) ? key : `_${createHash('sha256').update(key).digest('hex').slice(0, 40)}`;

const endings: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'text/plain': 'txt',
  'application/xml': 'xml',
};

/** Name of a document beside its application; the applicant's own name for it goes nowhere near a path. */
export const documentName = (stem: string, number: number, mediaType: string): string => `${stem}_${number}.${endings[mediaType] ?? 'bin'}`;

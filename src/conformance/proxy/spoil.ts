import { SaxesParser } from 'saxes';
import type { Json } from '#contract';

/** What can be wrong with one value of a record, the most telling first. */
export const flaws = [
  'year-9999',
  'missing',
  'year-1',
  'no-offset',
  'charset',
  'nul',
  'empty',
  'wrong-type',
  'year-1900',
  'hour-twice',
] as const;
export type Flaw = (typeof flaws)[number];

/** One record of a list to be spoiled: which, where, and how. Without a field it is only looked at. */
export interface Spoiling {
  readonly caseId: string;
  readonly field?: string;
  readonly flaw?: Flaw;
}

/** A value of the record, by its path within it. */
export interface RecordField {
  readonly path: string;
  readonly text: string;
}

/** An answer with the record in it, and what the record held; no fields where it is not in this answer. */
export interface Spoiled {
  readonly body: Buffer;
  readonly fields: readonly RecordField[];
}

const texts: Partial<Record<Flaw, string>> = {
  'year-9999': '9999-12-31T23:59:59Z',
  'year-1': '0001-01-01T00:00:00Z',
  'year-1900': '1900-01-01T00:00:00Z',
  // Shown by a German wall clock twice that night.
  'hour-twice': '2026-10-25T02:30:00',
  empty: '',
  nul: 'a\0b',
};

/** Stands for a byte of Latin-1 until the answer is bytes again: in a text of UTF-8 there is none. */
const ODD = '\uE0FC';
const ODD_BYTE = 0xfc;

/** The text as bytes of UTF-8, except for what stands for another. */
const encoded = (text: string): Buffer =>
  Buffer.concat(text.split(ODD).flatMap((part, index) => [...(index === 0 ? [] : [Buffer.of(ODD_BYTE)]), Buffer.from(part)]));

const textFor = (flaw: Flaw, before: string): string =>
  flaw === 'no-offset' ? before.replace(/(\.\d+)?(Z|[+-]\d\d:?\d\d)$/i, '') : flaw === 'charset' ? before + ODD : (texts[flaw] ?? before);

/** Spoils a record in an answer in JSON or XML; every other answer stays as it is. */
export function spoil(body: Buffer, type: string, spoiling: Spoiling): Spoiled {
  const text = body.toString('utf8');
  try {
    const found = /xml/i.test(type) ? inXml(text, spoiling) : inJson(text, spoiling);
    return found ? { body: encoded(found.text), fields: found.fields } : { body, fields: [] };
  } catch {
    return { body, fields: [] };
  }
}

// ---- JSON -------------------------------------------------------------------------------------------

interface JsonLeaf extends RecordField {
  readonly owner: Record<string, Json>;
  readonly name: string;
}

function leavesOf(value: Json, path: string): JsonLeaf[] {
  if (value === null || typeof value !== 'object') return [];
  const owner = value as Record<string, Json>;
  return Object.entries(owner).flatMap(([name, child]) =>
    child !== null && typeof child === 'object'
      ? leavesOf(child, `${path}/${name}`)
      : [{ owner, name, path: `${path}/${name}`, text: child === null ? '' : String(child) }],
  );
}

function inJson(text: string, { caseId, field, flaw }: Spoiling): { text: string; fields: readonly RecordField[] } | null {
  const root = JSON.parse(text) as Json;
  const record = pick(
    listsIn(root).map((list) => list.map((item) => ({ leaves: leavesOf(item, '') }))),
    caseId,
  );
  if (!record) return null;
  const fields = record.leaves.map((leaf) => ({ path: leaf.path, text: leaf.text }));
  const leaf = record.leaves.find((one) => one.path === field);
  if (!leaf || !flaw) return { text, fields };
  if (flaw === 'missing') delete leaf.owner[leaf.name];
  else leaf.owner[leaf.name] = flaw === 'wrong-type' ? { unexpected: [true] } : textFor(flaw, leaf.text);
  return { text: JSON.stringify(root), fields };
}

const listsIn = (value: Json): (readonly Json[])[] => {
  if (value === null || typeof value !== 'object') return [];
  const below = Object.values(value as Record<string, Json>).flatMap(listsIn);
  const isRecords = Array.isArray(value) && value.length > 0 && value.every((item: Json) => item !== null && typeof item === 'object');
  return isRecords ? [value, ...below] : below;
};

/**
 * The record of a case among lists of records: an id stands at the same place in each, and is another in each. A version or a
 * number of a status that looks the same is none.
 */
function pick<Found extends { readonly leaves: readonly RecordField[] }>(
  lists: readonly (readonly Found[])[],
  caseId: string,
): Found | null {
  for (const list of lists) {
    const paths = [...new Set(list.flatMap(({ leaves }) => leaves.filter(({ text }) => text === caseId).map(({ path }) => path)))];
    for (const path of paths) {
      const values = list.map(({ leaves }) => leaves.find((leaf) => leaf.path === path)?.text);
      const found = list.find(({ leaves }) => leaves.some((leaf) => leaf.path === path && leaf.text === caseId));
      if (found && !values.includes(undefined) && new Set(values).size === values.length) return found;
    }
  }
  return null;
}

// ---- XML --------------------------------------------------------------------------------------------

interface XmlElement {
  readonly name: string;
  readonly children: XmlElement[];
  /** Of its start tag and its content, in characters. */
  readonly from: number;
  readonly content: number;
  contentEnd: number;
  to: number;
}

interface XmlLeaf extends RecordField {
  readonly element: XmlElement;
}

function inXml(text: string, { caseId, field, flaw }: Spoiling): { text: string; fields: readonly RecordField[] } | null {
  const parser = new SaxesParser({ xmlns: false });
  const root: XmlElement = { name: '', children: [], from: 0, content: 0, contentEnd: text.length, to: text.length };
  const open: XmlElement[] = [root];
  parser.on('opentag', ({ name }) => {
    const from = text.lastIndexOf('<', parser.position - 1);
    const element: XmlElement = { name, children: [], from, content: parser.position, contentEnd: parser.position, to: parser.position };
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on('closetag', () => {
    const element = open.pop();
    if (!element) return;
    element.to = parser.position;
    element.contentEnd = Math.max(element.content, text.lastIndexOf('</', parser.position - 1));
  });
  parser.write(text).close();
  const leaves = (element: XmlElement, path: string): XmlLeaf[] =>
    element.children.flatMap((child) =>
      child.children.length > 0
        ? leaves(child, `${path}/${child.name}`)
        : [{ element: child, path: `${path}/${child.name}`, text: text.slice(child.content, child.contentEnd) }],
    );
  const lists = (element: XmlElement): XmlElement[][] => {
    const names = new Set(element.children.filter(({ children }) => children.length > 0).map(({ name }) => name));
    const own = [...names].map((name) => element.children.filter((child) => child.name === name));
    return [...own.toSorted((a, b) => b.length - a.length), ...element.children.flatMap(lists)];
  };
  const record = pick(
    lists(root)
      .toReversed()
      .map((list) => list.map((element) => ({ leaves: leaves(element, '') }))),
    caseId,
  );
  if (!record) return null;
  const fields = record.leaves.map((leaf) => ({ path: leaf.path, text: leaf.text }));
  const leaf = record.leaves.find((one) => one.path === field);
  if (!leaf || !flaw) return { text, fields };
  const { from, content, contentEnd, to } = leaf.element;
  if (flaw === 'missing') return { text: text.slice(0, from) + text.slice(to), fields };
  const put = flaw === 'wrong-type' ? '<unexpected>1</unexpected>' : textFor(flaw, leaf.text);
  return { text: text.slice(0, content) + put + text.slice(contentEnd), fields };
}

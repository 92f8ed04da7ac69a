import { SaxesParser } from 'saxes';
import { AdapterError, breathe, type Json } from '#contract';

/** Elements of GeoReport XML that hold a list, and what its items are called. */
const lists: Readonly<Record<string, string>> = {
  services: 'service',
  service_requests: 'request',
  attributes: 'attribute',
  values: 'value',
  errors: 'error',
  notes: 'note',
};

const MOST = { characters: 8 * 1024 * 1024, depth: 24, elements: 100_000, attributes: 500 };
/** Characters read at a time, so that a long text holds nobody else up. */
const PIECE = 64 * 1024;

interface Element {
  readonly name: string;
  readonly children: Element[];
  text: string;
}

/**
 * GeoReport XML in the shape of GeoReport JSON: lists become lists, everything else objects of texts. A DOCTYPE is refused,
 * so that no entity can be declared; messages quote nothing of the text.
 * @throws AdapterError malformed
 */
export async function fromXml(text: string, effect: 'none' | 'unknown'): Promise<Json> {
  const fail = (why: string): never => {
    throw new AdapterError('malformed', effect, `the answer is not XML as it should be: ${why}`);
  };
  if (text.length > MOST.characters) fail(`more than ${MOST.characters} characters`);
  const parser = new SaxesParser({ xmlns: false });
  const open: Element[] = [];
  let root: Element | null = null;
  let elements = 0;
  parser.on('error', () => fail(`line ${parser.line} is not well-formed`));
  parser.on('doctype', () => fail('it has a DOCTYPE'));
  // Counted as they come: what belongs to one element is made in one go.
  let own = 0;
  parser.on('opentagstart', () => void (own = 0));
  parser.on('attribute', () => {
    if (++own > MOST.attributes) fail('an element with too many attributes');
  });
  parser.on('opentag', ({ name }) => {
    if (++elements > MOST.elements || open.length >= MOST.depth) fail('too many or too deeply nested elements');
    const element: Element = { name, children: [], text: '' };
    open.at(-1)?.children.push(element);
    root ??= element;
    open.push(element);
  });
  parser.on('closetag', () => void open.pop());
  const append = (piece: string) => {
    const last = open.at(-1);
    if (last) last.text += piece;
  };
  parser.on('text', append);
  parser.on('cdata', append);
  const whole = text.replace(/^\uFEFF/, '');
  for (let from = 0; from < whole.length; from += PIECE) {
    if (from > 0) await breathe();
    parser.write(whole.slice(from, from + PIECE));
  }
  parser.close();
  return root === null ? fail('it is empty') : toJson(root);
}

function toJson({ name, children, text }: Element): Json {
  const item = lists[name];
  if (item !== undefined && children.every((child) => child.name === item)) return children.map(toJson);
  if (children.length === 0) return text.trim();
  return Object.fromEntries(children.map((child) => [child.name, toJson(child)]));
}

/** What the items of a list are called in XML; some servers make their JSON of it. */
const items = new Set([...Object.values(lists), 'service_request', 'service_definition']);
/** What may stand around records. */
const wrappers = [...Object.keys(lists), ...items];
/** What every record has at least one of. */
const marks = ['service_request_id', 'token', 'service_code', 'code', 'key', 'description'];

/**
 * The records of an answer. JSON that was made of XML keeps its wrappers (`{"service_requests":{"request":…}}`), gives a list of one as the
 * one itself, and an empty list as an empty text: all of that is read.
 * What in a list is no record is for whoever reads them one by one.
 * @throws AdapterError malformed where it is no list
 */
export function recordsOf(answer: Json | undefined, effect: 'none' | 'unknown' = 'none'): readonly Json[] {
  const records = unwrapped(answer, 3);
  if (records) return records;
  throw new AdapterError('malformed', effect, 'the answer is no list of GeoReport records');
}

/** A list inside a record; some servers leave an empty one out. @throws AdapterError malformed */
export const listOf = (value: Json | undefined): readonly Json[] =>
  value === undefined || value === null || value === '' ? [] : recordsOf(value);

/** What a refusal says; nothing where it says it otherwise. */
export function problemsOf(answer: Json): readonly Json[] {
  const { error } = (answer ?? {}) as { readonly error?: Json };
  return unwrapped(error === undefined ? answer : [error].flat(), 3) ?? [];
}

function unwrapped(answer: Json | undefined, depth: number): readonly Json[] | null {
  if (Array.isArray(answer)) return answer as readonly Json[];
  if (answer === null || answer === undefined || typeof answer !== 'object' || depth === 0) return null;
  // By the few names that there are: an object may have as many as an answer holds.
  const inside = wrappers.find((name) => Object.hasOwn(answer, name));
  const record = marks.some((name) => Object.hasOwn(answer, name));
  if (inside === undefined || record) return record ? [answer] : null;
  const held = (answer as { readonly [name: string]: Json })[inside];
  return held === null || held === '' ? [] : unwrapped(held, depth - 1);
}

/** The value a JSON pointer (RFC 6901) names, or undefined. */
export function at(document: Json | undefined, pointer: string): Json | undefined {
  let value = document;
  for (const part of pointer === '' ? [] : pointer.slice(1).split('/')) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, Json>)[name];
  }
  return value;
}

/** A text or number as text; null where it is anything else or empty. */
export const textOf = (value: Json | undefined): string | null =>
  typeof value === 'string' && value.trim() !== ''
    ? value.trim()
    : typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : null;

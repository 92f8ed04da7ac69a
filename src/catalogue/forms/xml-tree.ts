import { SaxesParser } from 'saxes';
import { refuseImport } from '../import/complaints.ts';
import type { SourceText } from '../import/source.ts';

/** An element of a document, with the place where it begins. */
export interface XmlElement {
  /** Name without its prefix. */
  readonly name: string;
  /** Namespace; empty if it has none. */
  readonly namespace: string;
  /** From 1. */
  readonly line: number;
  /** Attributes by name without prefix. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Its own text, without that of its children and without space around it. */
  readonly text: string;
}

/** Bounds of a document from outside. */
export interface XmlLimits {
  readonly depth: number;
  readonly elements: number;
}

const defaults: XmlLimits = { depth: 200, elements: 500_000 };

interface OpenElement {
  readonly name: string;
  readonly namespace: string;
  readonly line: number;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: XmlElement[];
  text: string;
}

/**
 * Reads a document whole. A document type is refused, so no entity is ever declared: what a text says is what stands there.
 * @throws HubError IMPORT_REFUSED with the line, if it is no well-formed XML or breaks a limit
 */
export function parseXml({ name: file, text }: SourceText, limits: XmlLimits = defaults): XmlElement {
  const parser = new SaxesParser({ xmlns: true, position: true });
  const open: OpenElement[] = [];
  let root: XmlElement | null = null;
  let elements = 0;
  const refuse = (what: string) => refuseImport(`${file}:${parser.line}`, what);

  parser.on('error', (error) => {
    // The library puts the place in front of its own words.
    throw refuse(`is no well-formed XML: ${error.message.replace(/^\d+:\d+: /, '')}`);
  });
  parser.on('doctype', () => {
    throw refuse('has a document type (DOCTYPE); remove it, such documents are not read');
  });
  parser.on('opentag', ({ local, uri, attributes }) => {
    elements += 1;
    if (elements > limits.elements) throw refuse(`has more than ${limits.elements} elements`);
    if (open.length >= limits.depth) throw refuse(`<${local}> is nested deeper than ${limits.depth} levels`);
    const own = Object.values(attributes).filter(({ prefix }) => prefix !== 'xmlns');
    open.push({
      name: local,
      namespace: uri,
      line: parser.line,
      attributes: new Map(own.map((attribute) => [attribute.local, attribute.value])),
      children: [],
      text: '',
    });
  });
  const addText = (more: string) => {
    const inner = open.at(-1);
    if (inner) inner.text += more;
  };
  parser.on('text', addText);
  parser.on('cdata', addText);
  parser.on('closetag', () => {
    const closed = open.pop();
    if (!closed) return;
    const element = { ...closed, text: closed.text.trim() };
    const parent = open.at(-1);
    if (parent) parent.children.push(element);
    else root = element;
  });
  parser.write(text).close();
  if (!root) throw refuse('is empty');
  return root;
}

/** The first child of that name, or undefined. */
export const childOf = (element: XmlElement, name: string): XmlElement | undefined => element.children.find((child) => child.name === name);

/** All children of that name. */
export const childrenOf = (element: XmlElement, name: string): readonly XmlElement[] =>
  element.children.filter((child) => child.name === name);

/** The text at a path of child names; empty if there is none. */
export function textAt(element: XmlElement, ...path: readonly string[]): string {
  let at: XmlElement | undefined = element;
  for (const name of path) at = at && childOf(at, name);
  return at?.text ?? '';
}

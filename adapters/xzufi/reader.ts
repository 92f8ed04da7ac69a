import { SaxesParser } from 'saxes';
import { AdapterError } from '#contract';

/** An element of a transfer message, with its place for complaints. */
export interface Node {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly Node[];
  readonly text: string;
  readonly line: number;
  readonly path: string;
}

/** One object of a message: written, or deleted by its id. */
export interface TransferObject {
  readonly verb: 'schreibe' | 'loesche';
  readonly node: Node;
}

/** What the root says about itself. */
export interface TransferHead {
  readonly version: string;
  readonly product: string;
}

/** XZuFi 2.1, 2.2 and 2.3; code values of XÖV stand in no namespace. */
const namespaces = /^http:\/\/xoev\.de\/schemata\/xzufi\/2_[123]_\d$/;

const MOST = { depth: 48, elementsPerObject: 20_000, charactersPerObject: 1024 * 1024, attributes: 500 };

/** A complaint about the message: where, which line, and why. Quotes nothing but names of the format. */
export const malformed = (file: string, where: { readonly path: string; readonly line: number }, why: string): AdapterError =>
  new AdapterError('malformed', 'none', `${file}: ${where.path}, line ${where.line}: ${why}`);

export interface Reader {
  write(text: string): void;
  /** @throws AdapterError malformed where the message is not complete. */
  end(): TransferHead;
  head(): TransferHead | null;
}

interface Open extends Node {
  children: Node[];
  text: string;
}

/**
 * Reads a transfer message as it comes, one object at a time: memory is bounded by the largest object, not by the file. The
 * root is known by its attributes, since its name differs between senders. Whatever is no transfer, is not well-formed, or has
 * a DOCTYPE is refused with element path and line.
 */
export function createReader(file: string, take: (object: TransferObject) => void): Reader {
  const parser = new SaxesParser({ xmlns: true });
  const names: string[] = [];
  const open: Open[] = [];
  let head: TransferHead | null = null;
  let objects = 0;
  let elements = 0;
  let characters = 0;
  const here = () => ({ path: names.join('/') || '(document)', line: parser.line });

  // The library's messages quote the text.
  parser.on('error', () => {
    throw malformed(file, here(), 'not well-formed XML, or cut off');
  });
  parser.on('doctype', () => {
    throw malformed(file, here(), 'a DOCTYPE, which is not accepted');
  });
  // Counted as they come: what belongs to one element is made in one go.
  let own = 0;
  parser.on('opentagstart', () => void (own = 0));
  parser.on('attribute', () => {
    if (++own > MOST.attributes) throw malformed(file, here(), `an element with more than ${MOST.attributes} attributes`);
  });
  parser.on('opentag', (tag) => {
    const above = open.at(-1);
    const attributes = Object.fromEntries(Object.values(tag.attributes).map(({ local, value }) => [local, value]));
    names.push(names.length === 1 && /^(schreibe|loesche)$/.test(tag.local) ? `${tag.local}[${++objects}]` : tag.local);
    if (names.length > MOST.depth) throw malformed(file, here(), `more than ${MOST.depth} elements deep`);
    if (names.length === 1) {
      const version = attributes['xzufiVersion'];
      if (version === undefined) throw malformed(file, here(), 'the root has no xzufiVersion: this is no XZuFi transfer message');
      if (!/^2\.[123](\.|$)/.test(version)) throw malformed(file, here(), `XZuFi ${version.slice(0, 20)}; 2.1 to 2.3 are read`);
      head = { version, product: attributes['produktbezeichnung'] ?? '' };
    }
    if (tag.uri !== '' && !namespaces.test(tag.uri)) {
      if (names.length === 1) throw malformed(file, here(), 'the root is not in a namespace of XZuFi 2.1 to 2.3');
    }
    if (names.length === 2) [elements, characters] = [0, 0];
    if (names.length < 2 || (above === undefined && !/^(schreibe|loesche)\[/.test(names.at(-1) ?? ''))) return;
    if (++elements > MOST.elementsPerObject) throw malformed(file, here(), `an object of more than ${MOST.elementsPerObject} elements`);
    const node: Open = { name: tag.local, attributes, children: [], text: '', line: parser.line, path: names.join('/') };
    above?.children.push(node);
    open.push(node);
  });
  const append = (text: string) => {
    const last = open.at(-1);
    if (!last) return;
    characters += text.length;
    if (characters > MOST.charactersPerObject)
      throw malformed(file, here(), `an object of more than ${MOST.charactersPerObject} characters`);
    last.text += text;
  };
  parser.on('text', append);
  parser.on('cdata', append);
  parser.on('closetag', () => {
    const node = open.pop();
    names.pop();
    if (!node || open.length > 0) return;
    const [object, ...others] = node.children;
    if (!object || others.length > 0) throw malformed(file, node, 'exactly one object is expected');
    take({ verb: node.name === 'loesche' ? 'loesche' : 'schreibe', node: object });
  });

  return {
    write: (text) => void parser.write(text),
    head: () => head,
    end() {
      parser.close();
      if (!head) throw malformed(file, here(), 'empty');
      return head;
    },
  };
}

/** Children of this name. */
export const all = (node: Node | undefined, name: string): readonly Node[] => node?.children.filter((child) => child.name === name) ?? [];

/** The first node down a path of names. */
export const first = (node: Node | undefined, ...path: string[]): Node | undefined =>
  path.reduce<Node | undefined>((place, name) => place?.children.find((child) => child.name === name), node);

/** Trimmed text under a path of names; undefined where there is none. */
export const textOf = (node: Node | undefined, ...path: string[]): string | undefined => first(node, ...path)?.text.trim() || undefined;

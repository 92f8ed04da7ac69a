import { RE2JS } from 're2js';

/*
 * Patterns of forms, matched in linear time. A pattern is written by whoever wrote the form and looks at texts of whoever sends it; an
 * engine that goes back and forth over a text can be held for hours by 40 characters. Patterns mean what JSON Schema says, the
 * regular expressions of ECMAScript with the flag `u`: they are written out in the syntax of RE2 here, part by part, because the same
 * sign does not always mean the same in both (`.`, `\s`, `[^]`).
 */

/** Instructions of a pattern at most: each is looked at for each character in the worst case. */
const mostInstructions = 2500;
/** RE2 counts no further. */
const mostRepeats = 1000;

/** What a pattern has that cannot be matched in linear time. The message is a sentence with the remedy. */
export class PatternError extends Error {
  readonly pattern: string;
  constructor(pattern: string, what: string) {
    super(`the pattern ${pattern.length > 120 ? `${pattern.slice(0, 120)}…` : pattern} ${what}`);
    this.name = 'PatternError';
    this.pattern = pattern;
  }
}

/** A pattern that takes time in proportion to its text. */
export interface LinearPattern {
  /** Instructions of the pattern: what each character costs at most. */
  readonly size: number;
  test(text: string): boolean;
}

/** @throws PatternError if it is no regular expression of ECMAScript, or needs more than linear time */
export function linearPattern(pattern: string): LinearPattern {
  try {
    void new RegExp(pattern, 'u');
  } catch (error) {
    throw new PatternError(pattern, `is no regular expression: ${error instanceof Error ? error.message : ''}`);
  }
  const written = new Writer(pattern).all();
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(written);
  } catch {
    throw new PatternError(pattern, 'has a part that is not known here; write out the characters that are meant');
  }
  const size = compiled.programSize();
  if (size > mostInstructions) throw new PatternError(pattern, 'repeats too much; say with maxLength how long the text may be');
  return { size, test: (text) => compiled.matcher(text).find() };
}

/** What `\s` means in ECMAScript; RE2 knows five of them. */
const space = String.raw`\t\n\x{b}\f\r\x{20}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`;
const noSpace = String.raw`\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}`;
const anything = String.raw`\x{0}-\x{10ffff}`;
const lineEnds = String.raw`\n\r\x{2028}\x{2029}`;

const character = (code: number): string => `\\x{${code.toString(16)}}`;

/** One member of a class, or one escape outside of it: a set, or a single character by its code. */
type Atom = { readonly set: string; readonly code?: never } | { readonly code: number; readonly set?: never };

const controls: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, v: 11, f: 12, '0': 0 };

class Writer {
  readonly #pattern: string;
  #at = 0;
  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  all(): string {
    let out = '';
    while (this.#at < this.#pattern.length) out += this.#next();
    return out;
  }

  #next(): string {
    const rest = this.#pattern.slice(this.#at, this.#at + 12);
    switch (rest[0] ?? '') {
      case '\\': {
        if (/^\\[bB]/.test(rest)) return this.#take(2);
        const { set, code } = this.#escape(false);
        return set === undefined ? character(code) : `[${set}]`;
      }
      case '.':
        this.#at += 1;
        return `[^${lineEnds}]`;
      case '[':
        return this.#class();
      case '(':
        return this.#group(rest);
      case '{': {
        const counts = /^\{(\d+)(?:,(\d*))?\}/.exec(this.#pattern.slice(this.#at));
        if (counts && Math.max(Number(counts[1]), Number(counts[2] ?? 0)) > mostRepeats)
          this.#refuse(`repeats more than ${mostRepeats} times; say with maxLength how long the text may be`);
        return this.#take(counts?.[0].length ?? 1);
      }
      case '*':
      case '+':
      case '?':
      case '}':
      case '|':
      case ')':
      case '^':
      case '$':
        return this.#take(1);
      default:
        return character(this.#codePoint());
    }
  }

  /** Nobody asks what a group held: all of them only group. */
  #group(rest: string): string {
    if (/^\(\?<?[=!]/.test(rest)) this.#refuse('looks ahead or behind; write the conditions as patterns of their own under allOf');
    if (!rest.startsWith('(?')) this.#at += 1;
    else if (rest.startsWith('(?:')) this.#at += 3;
    else if (rest.startsWith('(?<')) this.#at = this.#pattern.indexOf('>', this.#at) + 1;
    else this.#refuse('changes its flags within; write out the characters that are meant');
    return '(?:';
  }

  #class(): string {
    this.#at += 1;
    const negated = this.#pattern[this.#at] === '^';
    if (negated) this.#at += 1;
    let inner = '';
    while (this.#pattern[this.#at] !== ']') {
      const from = this.#member();
      if (from.set !== undefined) inner += from.set;
      else if (this.#pattern[this.#at] === '-' && this.#pattern[this.#at + 1] !== ']') {
        this.#at += 1;
        const to = this.#member();
        inner += `${character(from.code)}-${character(to.code ?? from.code)}`;
      } else inner += character(from.code);
    }
    this.#at += 1;
    if (inner === '') return negated ? `[${anything}]` : `[^${anything}]`;
    return `[${negated ? '^' : ''}${inner}]`;
  }

  #member(): Atom {
    return this.#pattern[this.#at] === '\\' ? this.#escape(true) : { code: this.#codePoint() };
  }

  /** What stands behind a backslash; the pattern is known to be one, so what is not named here is a character itself. */
  #escape(inClass: boolean): Atom {
    this.#at += 1;
    const letter = this.#pattern[this.#at] ?? '';
    if (/[1-9k]/.test(letter)) this.#refuse('refers back to a group; write the parts out');
    const control = controls[letter];
    this.#at += 1;
    if (control !== undefined) return { code: control };
    switch (letter) {
      case 'b':
        return inClass ? { code: 8 } : { set: '' };
      case 'd':
      case 'D':
      case 'w':
      case 'W':
        return { set: `\\${letter}` };
      case 's':
        return { set: space };
      case 'S':
        return { set: noSpace };
      case 'p':
      case 'P':
        return { set: `\\${letter}{${this.#property()}}` };
      case 'c':
        return { code: this.#take(1).charCodeAt(0) % 32 };
      case 'x':
        return { code: Number.parseInt(this.#take(2), 16) };
      case 'u':
        return { code: this.#unicode() };
      default:
        this.#at -= 1;
        return { code: this.#codePoint() };
    }
  }

  /** Name of a set of characters: both engines know categories by their short names and scripts by their long ones. */
  #property(): string {
    const [whole = '', name = '', value] = /^\{(\w+)(?:=(\w+))?\}/.exec(this.#pattern.slice(this.#at)) ?? [];
    this.#at += whole.length;
    if (value === undefined) return categories[name] ?? name;
    if (/^(General_Category|gc)$/.test(name)) return categories[value] ?? value;
    if (/^(Script|sc)$/.test(name)) return value;
    return this.#refuse(`asks for ${name}; write out the characters that are meant`);
  }

  /** `\u00e4`, `\u{1f600}`, or one character as two halves. */
  #unicode(): number {
    const rest = this.#pattern.slice(this.#at);
    const braced = /^\{([0-9a-fA-F]+)\}/.exec(rest);
    const pair = /^(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})/i.exec(rest);
    this.#at += braced?.[0].length ?? pair?.[0].length ?? 4;
    if (braced) return Number.parseInt(braced[1] ?? '', 16);
    if (!pair) return Number.parseInt(rest.slice(0, 4), 16);
    return String.fromCharCode(Number.parseInt(pair[1] ?? '', 16), Number.parseInt(pair[2] ?? '', 16)).codePointAt(0) ?? 0;
  }

  #codePoint(): number {
    const code = this.#pattern.codePointAt(this.#at) ?? 0;
    this.#at += code > 0xffff ? 2 : 1;
    return code;
  }

  #take(length: number): string {
    const taken = this.#pattern.slice(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }

  #refuse(what: string): never {
    throw new PatternError(this.#pattern, what);
  }
}

const categories: Readonly<Record<string, string>> = {
  Letter: 'L',
  Uppercase_Letter: 'Lu',
  Lowercase_Letter: 'Ll',
  Mark: 'M',
  Number: 'N',
  Decimal_Number: 'Nd',
  Punctuation: 'P',
  Symbol: 'S',
  Separator: 'Z',
  Space_Separator: 'Zs',
};

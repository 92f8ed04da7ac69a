import iconv from 'iconv-lite';
import { Malformed } from './malformed.ts';

export type Encoding = 'utf-8' | 'windows-1252';

const canEncode = (character: string): boolean => character === '?' || iconv.encode(character, 'windows-1252')[0] !== 0x3f;

/** Characters of a text that the encoding does not have. */
export const unencodable = (text: string, encoding: Encoding): readonly string[] =>
  encoding === 'utf-8' ? [] : Array.from(new Set(text)).filter((character) => !canEncode(character));

/** Letters lose the marks that the encoding does not have; what is left without a form becomes a question mark. */
export const transliterate = (text: string, encoding: Encoding): string =>
  encoding === 'utf-8'
    ? text
    : Array.from(text.normalize('NFC'), (character) => {
        if (canEncode(character)) return character;
        const bare =
          ({ ł: 'l', Ł: 'L', đ: 'd', Đ: 'D', ı: 'i', ẞ: 'SS' } as Record<string, string>)[character] ??
          character.normalize('NFD').replaceAll(/\p{M}/gu, '');
        return Array.from(bare, (part) => (canEncode(part) ? part : '?')).join('');
      }).join('');

export const encode = (text: string, encoding: Encoding): Buffer =>
  encoding === 'utf-8' ? Buffer.from(text.toWellFormed(), 'utf8') : iconv.encode(text, 'windows-1252');

/** @throws Malformed with the line where bytes are no text of the encoding. */
export function decode(bytes: Buffer, encoding: Encoding): string {
  if (encoding === 'windows-1252') return iconv.decode(bytes, 'windows-1252');
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    return decoder.decode(bytes);
  } catch {
    let line = 1;
    for (let start = 0; start < bytes.length; line++) {
      const end = bytes.indexOf(0x0a, start);
      const part = bytes.subarray(start, end === -1 ? bytes.length : end);
      try {
        new TextDecoder('utf-8', { fatal: true }).decode(part);
      } catch {
        break;
      }
      start += part.length + 1;
    }
    throw new Malformed(line, { de: 'kein UTF-8; ist die Datei in Windows-1252?', en: 'not UTF-8; is the file in Windows-1252?' });
  }
}

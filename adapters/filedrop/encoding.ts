import iconv from 'iconv-lite';

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

/** Bytes that are no text of the encoding become U+FFFD: they are the affair of their row. */
export const decode = (bytes: Buffer, encoding: Encoding): string =>
  encoding === 'windows-1252' ? iconv.decode(bytes, 'windows-1252') : new TextDecoder('utf-8').decode(bytes);

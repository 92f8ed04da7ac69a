import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { decodeText } from '#contract';
import { refuseImport } from './complaints.ts';

/** A source file, read. */
export interface SourceText {
  readonly path: string;
  /** Name for messages. */
  readonly name: string;
  readonly text: string;
}

/**
 * Reads a text file of at most `maxBytes`, never more, whatever its size says (a file may grow, or be a device).
 * @throws HubError IMPORT_REFUSED if it is away, too large, or neither UTF-8 nor, being XML, in the encoding that it declares
 */
export async function readSource(path: string, maxBytes: number): Promise<SourceText> {
  const name = basename(path);
  if (/^https?:\/\//i.test(path))
    throw refuseImport(path.slice(0, 200), 'is an address; only files are read: fetch it first and name the file');
  const bytes = await readAtMost(path, name, maxBytes);
  try {
    return { path, name, text: decodeText(bytes, { xml: /\.(xml|gc)$/i.test(name) }) };
  } catch (error) {
    throw refuseImport(name, 'is not UTF-8 text, nor in an encoding that it names itself; export it as UTF-8', error);
  }
}

async function readAtMost(path: string, name: string, maxBytes: number): Promise<Buffer> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw refuseImport(
      name,
      `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}); check its path and permissions`,
      error,
    );
  });
  try {
    if (!(await file.stat()).isFile()) throw refuseImport(name, 'is not a file');
    const chunks: Buffer[] = [];
    let total = 0;
    for (;;) {
      const chunk = Buffer.alloc(256 * 1024);
      const { bytesRead } = await file.read(chunk, 0, chunk.length, null);
      if (bytesRead === 0) return Buffer.concat(chunks);
      total += bytesRead;
      if (total > maxBytes) throw refuseImport(name, `is larger than ${maxBytes} bytes, the most a source may have`);
      chunks.push(chunk.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

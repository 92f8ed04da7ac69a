import { AdapterError, type Attachment, type Call } from '#contract';
import type { FiledropConfig } from './config.ts';
import type { RemoteFile, Session, Sessions } from './session.ts';

/*
 * How a file is handed over so that it is there once, and whole or not at all:
 *
 *   1  The name comes from the key. Is the file in the outbox, or taken from it already? Then nothing is written.
 *   2  It is written under <name>.part, which nobody else reads, and its size is compared.
 *   3  ledger only: an empty mark of that name is put into the hub's own folder.
 *   4  <name>.part becomes <name>, in one step.
 *
 * Whether it was taken is seen in the archive; where the back office deletes what it took, by the mark: a mark without a
 * .part says that step 4 has happened, whoever asks and whenever. A crash before step 4 leaves a .part that the next attempt
 * writes again.
 */

export interface Drop {
  /** The file by the place in which it was found, or null where it was never handed over. */
  find(session: Session, name: string): Promise<RemoteFile | null>;
  /** True where it was there already. @throws AdapterError unknown only where step 4 may have happened */
  put(session: Session, name: string, content: Buffer): Promise<boolean>;
}

export function createDrop({ folder, taken }: FiledropConfig['outbox']): Drop {
  const at = (place: string, name: string) => `${place}/${name}`;
  const part = (name: string) => at(folder, `${name}.part`);

  const find: Drop['find'] = async (session, name) => {
    const waiting = await session.find(at(folder, name));
    if (waiting) return waiting;
    // Asked afterwards: what is moved meanwhile is found in one place or the other.
    if ('archive' in taken) return session.find(at(taken.archive, name));
    const mark = await session.find(at(taken.ledger, name));
    return mark && !(await session.find(part(name))) ? mark : null;
  };

  return {
    find,
    async put(session, name, content) {
      if (await find(session, name)) return true;
      await session.write(part(name), content);
      const written = await session.find(part(name));
      if (written?.bytes !== content.length)
        throw new AdapterError('unavailable', 'none', `the server kept only a part of ${name}.part: disk full, or quota?`);
      if ('ledger' in taken) await session.write(at(taken.ledger, name), Buffer.alloc(0));
      await session.rename(part(name), at(folder, name));
      return false;
    },
  };
}

/** Puts a document beside its application, before it; the same document again is left as it is. */
export async function putDocument(session: Session, path: string, content: Buffer): Promise<void> {
  if ((await session.find(path))?.bytes === content.length) return;
  await session.write(`${path}.part`, content);
  // Nobody acts on a document: only the application's own file, which comes last, says that there is one.
  await session.rename(`${path}.part`, path).catch((error: unknown) => {
    throw error instanceof AdapterError ? new AdapterError(error.kind, 'none', error.message) : error;
  });
}

/** @throws AdapterError rejected where there is more of it than was said. */
export async function contentOf(attachment: Attachment, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of attachment.open()) {
    size += chunk.length;
    if (size > maxBytes) throw new AdapterError('rejected', 'none', `a document is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The folders are there and can be read; whether they can be written only a write would show. */
export async function probeFolders(
  sessions: Sessions,
  config: FiledropConfig,
  call: Call,
): Promise<readonly { name: string; hint: string | null }[]> {
  const { outbox, status } = config;
  const folders: Record<string, string> = {
    'outbox.folder': outbox.folder,
    ...('archive' in outbox.taken ? { 'outbox.taken.archive': outbox.taken.archive } : { 'outbox.taken.ledger': outbox.taken.ledger }),
    'status.folder': status.folder,
    ...(status.done === 'keep' ? {} : { 'status.done.archive': status.done.archive, 'status.done.failed': status.done.failed }),
  };
  return sessions.use(call, async (session) => {
    const found: { name: string; hint: string | null }[] = [{ name: 'host key and credentials', hint: null }];
    for (const [name, folder] of Object.entries(folders)) {
      const hint = await session.list(folder).then(
        () => null,
        (error: unknown) => {
          if (error instanceof AdapterError && error.kind === 'misconfigured') return `config.${name}: ${error.message}`;
          throw error;
        },
      );
      found.push({ name, hint });
    }
    return found;
  });
}

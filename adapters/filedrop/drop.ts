import { randomUUID } from 'node:crypto';
import { AdapterError, type Attachment, type Call } from '#contract';
import type { FiledropConfig } from './config.ts';
import { Missing, type RemoteFile } from './files.ts';
import type { Session, Sessions } from './session.ts';

/*
 * How a file is handed over so that it is there once, and whole or not at all:
 *
 *   1  The name comes from the key. Is the file in the outbox, or taken from it already? Then nothing is written.
 *   2  It is written under a name that no other attempt has and that ends in .part, which nobody reads; its size is compared.
 *      Then it becomes <name>.part: whole from the first moment, whoever else is at it.
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
      const own = at(folder, `${name}.${randomUUID().slice(0, 8)}.part`);
      await session.write(own, content);
      const written = await session.find(own);
      if (written?.bytes !== content.length)
        throw new AdapterError('unavailable', 'none', `the server kept only a part of ${name}.part: disk full, or quota?`);
      // A mark of an attempt that died before step 4 must not outlive its .part for a moment, or the file would pass for taken.
      if ('ledger' in taken) await session.remove(at(taken.ledger, name));
      try {
        // What is lost up to here was never handed over.
        await withoutEffect(session.rename(own, part(name)));
        if ('ledger' in taken) await session.write(at(taken.ledger, name), Buffer.alloc(0));
        await session.rename(part(name), at(folder, name));
      } catch (error) {
        // Another attempt under this key was quicker, or is still at work.
        if (await find(session, name).catch(() => null)) return true;
        if (error instanceof Missing) throw new AdapterError('retryable', 'unknown', 'another attempt under this key is at work');
        throw error;
      }
      return false;
    },
  };
}

/** Puts a document beside its application, before it; the same document again is left as it is. */
export async function putDocument(session: Session, path: string, content: Buffer): Promise<void> {
  if ((await session.find(path))?.bytes === content.length) return;
  const own = `${path}.${randomUUID().slice(0, 8)}.part`;
  await session.write(own, content);
  // Nobody acts on a document: only the application's own file, which comes last, says that there is one.
  await withoutEffect(session.rename(own, path)).catch(async (error: unknown) => {
    // Where POSIX's rename is missing, another attempt that was quicker is in the way.
    if ((await session.find(path).catch(() => null))?.bytes !== content.length) throw error;
    await session.remove(own);
  });
}

const withoutEffect = (work: Promise<void>): Promise<void> =>
  work.catch((error: unknown) => {
    throw error instanceof AdapterError && error.effect !== 'none' ? new AdapterError(error.kind, 'none', error.message) : error;
  });

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

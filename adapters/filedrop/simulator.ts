import {
  closeSync,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { basename, join, normalize, relative } from 'node:path';
import { parseArgs } from 'node:util';
import ssh2, { type Connection, type SFTPWrapper } from 'ssh2';

export interface SftpSimulatorOptions {
  /** Folder that it serves; the back office's own folders are made in it. */
  readonly folder: string;
  /** Loopback port; 0 picks a free one. @default 0 */
  readonly port?: number;
  /** PEM of the host key. @default a new one */
  readonly hostKey?: string;
  /** A back office takes each application up at once: into the archive, and a status file says its number. @default false */
  readonly clerk?: boolean;
}

/** A running server. */
export interface SftpSimulator {
  readonly url: string;
  /** Fingerprint, as a city's file pins it. */
  readonly hostKey: string;
  /** The next file that gets its final name does, and the reply never comes. */
  loseNextRename(): void;
  /** Takes every request and answers none. */
  hang(on: boolean): void;
  connections(): number;
  readonly close: () => Promise<void>;
}

/** Its account and folders; the config of a city names the same. */
export const sftpSimulated = {
  user: 'hub',
  password: 'sftp-simulator-password',
  folders: ['eingang', 'archiv', 'ledger', 'status', 'erledigt', 'fehler'],
} as const;

const { OPEN_MODE, STATUS_CODE } = ssh2.utils.sftp;

/*
 * An SFTP server over a folder, where no OpenSSH is at hand: the real protocol, and of its habits the one that matters: it has
 * no rename of POSIX, and its own refuses to overwrite.
 */

/** Serves a folder on loopback. */
export async function startSftpSimulator({ folder, port = 0, hostKey, clerk = false }: SftpSimulatorOptions): Promise<SftpSimulator> {
  for (const name of sftpSimulated.folders) mkdirSync(join(folder, name), { recursive: true });
  const key = hostKey ?? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' });
  const parsed = ssh2.utils.parseKey(key);
  if (parsed instanceof Error) throw parsed;
  const open = new Set<Connection>();
  const faults = { loseRename: false, hang: false };
  const onFile = (path: string) => clerk && /^eingang\/antrag-[^/]*\.csv$/.test(relative(folder, path)) && takeUp(folder, path);
  const protocol = new ssh2.Server({ hostKeys: [key] }, (connection) => {
    open.add(connection);
    connection.on('close', () => open.delete(connection)).on('error', () => {});
    connection.on('authentication', (context) => {
      const right = context.method === 'password' && context.username === sftpSimulated.user && context.password === sftpSimulated.password;
      if (right) context.accept();
      else context.reject(['password']);
    });
    connection.on('ready', () =>
      connection.on('session', (accept) =>
        accept().on('sftp', (acceptSftp) => serve(acceptSftp(), folder, faults, onFile, () => connection.end())),
      ),
    );
  });
  // Without it every answer would wait 40 ms for the one before.
  const server = createServer({ noDelay: true }, (socket) => protocol.injectSocket(socket));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `sftp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hostKey: `SHA256:${createHash('sha256').update(parsed.getPublicSSH()).digest('base64').replace(/=+$/, '')}`,
    loseNextRename: () => void (faults.loseRename = true),
    hang: (on) => void (faults.hang = on),
    connections: () => open.size,
    async close() {
      for (const connection of open) connection.end();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

let taken = 0;

/** What an import does with a file, and the export of the same office afterwards: first column the key, and a trigger file last. */
function takeUp(folder: string, path: string): void {
  const key = readFileSync(path, 'utf8').split('\r\n')[1]?.split(';')[0] ?? '';
  renameSync(path, join(folder, 'archiv', basename(path)));
  const name = join(folder, 'status', `${Date.now()}-${++taken}.csv`);
  writeFileSync(name, `Kennung;Aktenzeichen;Stand;Am\r\n${key};32-${taken};neu;${new Date().toISOString()}\r\n`);
  writeFileSync(`${name}.ok`, '');
}

function serve(
  sftp: SFTPWrapper,
  root: string,
  faults: { loseRename: boolean; hang: boolean },
  onFile: (path: string) => void,
  cut: () => void,
): void {
  const handles = new Map<string, number | string[]>();
  let lastHandle = 0;
  const place = (path: string) => join(root, normalize(`/${path}`));
  const keep = (one: number | string[]): Buffer => {
    handles.set(String(++lastHandle), one);
    return Buffer.from(String(lastHandle));
  };
  const attributes = (path: string) => {
    const { mode, uid, gid, size, atimeMs, mtimeMs } = lstatSync(path);
    return { mode, uid, gid, size, atime: Math.floor(atimeMs / 1000), mtime: Math.floor(mtimeMs / 1000) };
  };
  /** Answers with what a file operation throws, as the protocol says it. */
  const attempt = (id: number, work: () => void) => {
    if (faults.hang) return;
    try {
      work();
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      sftp.status(
        id,
        code === 'ENOENT' ? STATUS_CODE.NO_SUCH_FILE : code === 'EACCES' ? STATUS_CODE.PERMISSION_DENIED : STATUS_CODE.FAILURE,
      );
    }
  };
  const done = (id: number) => sftp.status(id, STATUS_CODE.OK);
  const descriptor = (handle: Buffer): number => {
    const one = handles.get(handle.toString());
    if (typeof one !== 'number') throw new TypeError('no such handle');
    return one;
  };

  sftp.on('OPEN', (id, path, flags) =>
    attempt(id, () => sftp.handle(id, keep(openSync(place(path), flags & OPEN_MODE.WRITE ? (flags & OPEN_MODE.TRUNC ? 'w' : 'r+') : 'r')))),
  );
  sftp.on('READ', (id, handle, offset, length) =>
    attempt(id, () => {
      const chunk = Buffer.alloc(length);
      const count = readSync(descriptor(handle), chunk, 0, length, offset);
      if (count === 0) sftp.status(id, STATUS_CODE.EOF);
      else sftp.data(id, chunk.subarray(0, count));
    }),
  );
  sftp.on('WRITE', (id, handle, offset, content) =>
    attempt(id, () => {
      writeSync(descriptor(handle), content, 0, content.length, offset);
      done(id);
    }),
  );
  sftp.on('FSTAT', (id, handle) =>
    attempt(id, () => {
      const { mode, uid, gid, size, atimeMs, mtimeMs } = fstatSync(descriptor(handle));
      sftp.attrs(id, { mode, uid, gid, size, atime: Math.floor(atimeMs / 1000), mtime: Math.floor(mtimeMs / 1000) });
    }),
  );
  sftp.on('FSETSTAT', (id) => attempt(id, () => done(id)));
  sftp.on('CLOSE', (id, handle) =>
    attempt(id, () => {
      const one = handles.get(handle.toString());
      handles.delete(handle.toString());
      if (typeof one === 'number') closeSync(one);
      done(id);
    }),
  );
  const stat = (id: number, path: string) => attempt(id, () => sftp.attrs(id, attributes(place(path))));
  sftp.on('STAT', stat);
  sftp.on('LSTAT', stat);
  sftp.on('OPENDIR', (id, path) =>
    attempt(id, () => sftp.handle(id, keep(readdirSync(place(path)).map((name) => join(place(path), name))))),
  );
  sftp.on('READDIR', (id, handle) =>
    attempt(id, () => {
      const left = handles.get(handle.toString());
      if (!Array.isArray(left) || left.length === 0) return sftp.status(id, STATUS_CODE.EOF);
      sftp.name(
        id,
        left.splice(0, 100).map((path) => ({ filename: path.slice(path.lastIndexOf('/') + 1), longname: '', attrs: attributes(path) })),
      );
    }),
  );
  sftp.on('REMOVE', (id, path) =>
    attempt(id, () => {
      unlinkSync(place(path));
      done(id);
    }),
  );
  sftp.on('MKDIR', (id, path) =>
    attempt(id, () => {
      mkdirSync(place(path), { recursive: true });
      done(id);
    }),
  );
  sftp.on('RENAME', (id, from, to) =>
    attempt(id, () => {
      // As OpenSSH does it: a link fails where the name is taken.
      linkSync(place(from), place(to));
      unlinkSync(place(from));
      onFile(place(to));
      if (!faults.loseRename || to.endsWith('.part')) return done(id);
      faults.loseRename = false;
      cut();
    }),
  );
  sftp.on('REALPATH', (id, path) =>
    attempt(id, () => sftp.name(id, [{ filename: normalize(`/${path}`), longname: '', attrs: attributes(root) }])),
  );
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { folder: { type: 'string' }, port: { type: 'string' }, 'host-key': { type: 'string' }, clerk: { type: 'boolean' } },
  });
  if (!values.folder) throw new Error('--folder <folder to serve> is missing');
  const simulator = await startSftpSimulator({
    folder: values.folder,
    port: Number(values.port ?? 0),
    clerk: values.clerk ?? false,
    ...(values['host-key'] === undefined ? {} : { hostKey: readFileSync(values['host-key'], 'utf8') }),
  });
  writeFileSync(1, `url ${simulator.url}\nhostKey ${simulator.hostKey}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void simulator.close());
}

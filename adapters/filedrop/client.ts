import { AdapterError, type Adapter, type Call, type CasePort, type CaseSnapshot, type Host } from '#contract';
import type { FiledropConfig } from './config.ts';
import { contentOf, createDrop, probeFolders, putDocument } from './drop.ts';
import { documentName, nameOf, render, toSource } from './outgoing.ts';
import { createPickup } from './pickup.ts';
import { createSessions } from './session.ts';

/*
 * A back office that exchanges files: an application is one file, named by its key, in the outbox; what became of it comes
 * in status files that repeat the key. The case is known by that key from the beginning (`queued`); its number, the one that
 * citizens see, comes with its first status.
 */
export function createFiledrop(config: FiledropConfig, host: Host): Adapter {
  const { outbox } = config;
  const sessions = createSessions(config);
  const drop = createDrop(outbox);
  const pickup = createPickup(config, sessions, host);
  const stem = (key: string) => `${outbox.prefix}${nameOf(key)}`;
  const fileOf = (key: string) => `${stem(key)}.${outbox.format}`;

  const submit: CasePort['submit'] = async (application, call) => {
    const attachments = application.attachments ?? [];
    const documents = attachments.map((attachment, index) => ({
      attachment,
      name: documentName(stem(call.key), index + 1, attachment.mediaType),
    }));
    const content = render(
      outbox.fields,
      toSource(
        application,
        call.key,
        documents.map(({ name }) => name),
      ),
      outbox,
    );
    const replayed = await sessions.use(call, async (session) => {
      if (await drop.find(session, fileOf(call.key))) return true;
      for (const { attachment, name } of documents) {
        if (!config.attachments) throw new AdapterError('unsupported', 'none', 'the city’s file does not say that documents are taken');
        await putDocument(session, `${outbox.folder}/${name}`, await contentOf(attachment, config.attachments.maxBytes));
      }
      return drop.put(session, fileOf(call.key), content);
    });
    return { ref: { id: call.key }, taken: 'queued', replayed };
  };

  const loadCases: CasePort['loadCases'] = (refs, call) =>
    sessions.use(call, async (session) => {
      const latest = await pickup.latest(session, new Set(refs.map(({ id }) => id)));
      const load = async (id: string): Promise<CaseSnapshot | null> => {
        const change = latest.get(id);
        if (change) return { ref: change.ref, nativeStatus: change.nativeStatus, version: change.version, updatedAt: change.updatedAt };
        const file = await drop.find(session, fileOf(id));
        return (
          file && { ref: { id }, nativeStatus: outbox.waitingStatus, version: outbox.waitingStatus, updatedAt: new Date(file.mtime * 1000) }
        );
      };
      return Promise.all(refs.map(({ id }) => load(id)));
    });

  const withdraw =
    ({ fields }: NonNullable<FiledropConfig['withdraw']>): NonNullable<CasePort['withdraw']> =>
    async ({ id }, reason, call) => {
      const content = render(fields, { id, reason, key: call.key }, { ...outbox, root: 'Ruecknahme' });
      await sessions.use(call, async (session) => {
        if (!(await drop.find(session, fileOf(id))))
          throw new AdapterError('rejected', 'none', 'no file of this case was ever handed over');
        await drop.put(session, `ruecknahme-${fileOf(id)}`, content);
      });
    };

  return {
    start: async () => {},
    stop: () => sessions.close(),
    async check(call: Call) {
      const since = performance.now();
      const found = [...(await probeFolders(sessions, config, call))];
      if (found.every(({ hint }) => hint === null)) {
        const problems = await sessions.use(call, (session) => pickup.problems(session));
        const more = problems.length > 3 ? ` and ${problems.length - 3} more` : '';
        found.push({
          name: 'status files',
          hint: problems.length === 0 ? null : `cannot be read: ${problems.slice(0, 3).join('; ')}${more}`,
        });
      }
      const ms = Math.round((performance.now() - since) / found.length);
      const probes = found.map(({ name, hint }) => ({ name, ok: hint === null, ms, ...(hint === null ? {} : { hint }) }));
      return { ok: probes.every(({ ok }) => ok), system: 'SFTP', probes };
    },
    cases: {
      traits: {
        maxBatch: 100,
        idempotency: 'native',
        withdrawals: 'queued',
        ...(config.attachments
          ? { attachments: { maxBytes: config.attachments.maxBytes, mediaTypes: config.attachments.mediaTypes } }
          : {}),
      },
      submit,
      findByKey: (keys, call) =>
        sessions.use(call, (session) =>
          Promise.all(keys.map(async (key) => ((await drop.find(session, fileOf(key))) ? { id: key } : null))),
        ),
      loadCases,
      ...(config.withdraw ? { withdraw: withdraw(config.withdraw) } : {}),
    },
    changes: pickup.changes,
  };
}

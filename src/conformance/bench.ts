import { createHash, randomUUID } from 'node:crypto';
import type { Attachment, CaseRef, RegionalKey, Submission } from '#contract';
import { count, perform } from './actions.ts';
import type { Bench, PortName } from './check.ts';
import { openAdapter, type OwnedOpened } from './opened.ts';
import type { Action, SampleApplication, SampleAttachment } from './samples.ts';
import { configSchema, markedTexts } from './settings.ts';
import type { Subject } from './subject.ts';

/** A bench and the end of everything that was opened on it. */
export interface OwnedBench extends Bench {
  /** When a call to the adapter or the back office last began or ended. */
  movedAt(): number;
  /** True if others in the back office may be to blame for what was seen. */
  inDoubt(): boolean;
  clear(): Promise<void>;
}

export const portNames: readonly PortName[] = ['catalogue', 'cases', 'changes', 'webhook', 'events', 'rows'];

/** The bench of one check. */
export function createBench(subject: Subject, ports: ReadonlySet<PortName>): OwnedBench {
  const { definition, samples, surroundings, config } = subject;
  const opened: OwnedOpened[] = [];
  const advanced = new Map<string, number>();
  let moment: Date | null = null;
  let moved = performance.now();
  let doubt = false;
  const moving = async <T>(work: () => Promise<T>): Promise<T> => {
    moved = performance.now();
    try {
      return await work();
    } finally {
      moved = performance.now();
    }
  };
  const now = () => new Date(moment ?? Date.now());

  const application = (sample: SampleApplication | undefined, over: Partial<Submission>): Submission | null => {
    const service = samples.services.find(({ key }) => key === sample?.service);
    if (!sample || !service) return null;
    return {
      service: service.key,
      serviceName: service.name,
      formRevision: service.formRevision,
      localKey: service.localKey,
      applicant: sample.applicant,
      formData: sample.formData,
      channel: 'ONLINE',
      submittedAt: now(),
      ...(sample.attachments ? { attachments: sample.attachments.map(toAttachment) } : {}),
      ...over,
    };
  };

  /** Null if the samples do not say how. */
  const told = async (action: Action | undefined, placeholders: Record<string, string>): Promise<string | null> => {
    if (!action) return null;
    const answer = await moving(() => perform(action, placeholders, surroundings));
    return typeof answer === 'string' ? answer : JSON.stringify(answer);
  };
  const counted = async (action: Action | undefined, placeholders: Record<string, string>) =>
    action ? moving(() => count(action, placeholders, surroundings)) : null;

  return {
    definition,
    samples,
    config,
    ars: subject.ars,
    secrets: markedTexts(definition, config, 'secret').map(({ text }) => text),
    mappedStatuses: subject.mappedStatuses,
    withdrawnStatuses: subject.withdrawnStatuses ?? new Set(),
    schema: { ...configSchema(definition) },
    ports,
    async open(options) {
      const one = await moving(() => openAdapter(subject, now, options));
      opened.push(one);
      return {
        ...one,
        read: (work, how) => moving(() => one.read(work, how)),
        write: (work, how) => moving(() => one.write(work, how)),
      };
    },
    now,
    setNow: (to) => void (moment = to),
    submission: (index = 0, over = {}) => application(samples.valid[index], over),
    invalidSubmission: (index = 0) => application(samples.invalid[index], {}),
    async advance({ id, publicNumber }, status) {
      if (!samples.advance) return false;
      const { statuses } = samples.advance;
      const step = advanced.get(id) ?? 0;
      const next = status ?? statuses[step % statuses.length];
      if (next === undefined) return false;
      if (status === undefined) advanced.set(id, step + 1);
      const { advance } = samples;
      await moving(() => perform(advance, { case: id, number: publicNumber ?? id, status: next }, surroundings));
      return true;
    },
    count: (key) => counted(samples.count, { key }),
    total: () => counted(samples.total, {}),
    readBack: ({ id, publicNumber }: CaseRef, key) => told(samples.readBack, { case: id, number: publicNumber ?? id, key }),
    event(index = 0) {
      const sample = samples.events?.[index];
      if (!sample) return null;
      const id = randomUUID();
      return {
        id,
        type: sample.type,
        aggregate: { type: sample.type.split('.')[0] ?? 'event', id: randomUUID() },
        occurredAt: now(),
        municipality: (sample.municipality ?? null) as RegionalKey | null,
        facts: sample.facts,
      };
    },
    countEvents: (id) => counted(samples.countEvents, { event: id }),
    changeForm: async () => (await told(samples.changeForm, {})) !== null,
    noteDoubt: () => void (doubt = true),
    movedAt: () => moved,
    inDoubt: () => doubt,
    async clear() {
      moment = null;
      await Promise.all(opened.map((one) => one.dispose()));
    },
  };
}

function toAttachment({ name, mediaType, bytes }: SampleAttachment): Attachment {
  return {
    id: randomUUID(),
    name,
    mediaType,
    bytes: bytes.byteLength,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    open: () => new Blob([new Uint8Array(bytes)]).stream(),
  };
}

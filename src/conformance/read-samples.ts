import type { Json, Localised } from '#contract';
import { say, shown, type Complaint } from '../cities/load/complaint.ts';
import { createShapeCheck } from '../cities/load/shape.ts';
import { readSource, type Source } from '../cities/load/source.ts';
import type { Action, SampleApplication, SampleAttachment, SampleNotification, Samples } from './samples.ts';

/** Nothing is known of the back office: what needs samples stays unverified. */
export const noSamples: Samples = { services: [], valid: [], invalid: [] };

const complaintsOfSamples = createShapeCheck('samples.schema.json');

/** The file after its shape was checked. */
interface SamplesFile extends Omit<Samples, 'services' | 'valid' | 'invalid' | 'notifications' | 'advance' | ActionName> {
  readonly services?: readonly { readonly key: string; readonly name: string; readonly localKey: string; readonly formRevision?: string }[];
  readonly valid?: readonly WrittenApplication[];
  readonly invalid?: readonly WrittenApplication[];
  readonly notifications?: readonly {
    readonly at: string;
    readonly headers: Record<string, string>;
    readonly body?: string;
    readonly base64?: string;
  }[];
  readonly advance?: WrittenAction & { readonly statuses: readonly string[] };
  readonly count?: WrittenAction;
  readonly total?: WrittenAction;
  readonly readBack?: WrittenAction;
  readonly countEvents?: WrittenAction;
  readonly changeForm?: WrittenAction;
}

const actionNames = ['count', 'total', 'readBack', 'countEvents', 'changeForm'] as const;
type ActionName = (typeof actionNames)[number];

type WrittenApplication = Omit<SampleApplication, 'attachments'> & {
  readonly attachments?: readonly { readonly name: string; readonly mediaType: string; readonly text?: string; readonly base64?: string }[];
};

interface WrittenAction {
  readonly run?: string;
  readonly http?: {
    readonly method?: string;
    readonly url: string;
    readonly headers?: Record<string, string>;
    readonly body?: Json;
    readonly at?: string;
  };
}

/** Reads a city's samples; every complaint with its place where they are wrong. */
export async function readSamples(path: string): Promise<Samples | readonly Complaint[]> {
  const source = await readSource(path);
  if (!('complain' in source)) return source;
  const shape = complaintsOfSamples(source);
  if (shape.length > 0) return shape;
  const file = source.value as unknown as SamplesFile;
  const complaints = complaintsOfMeaning(source, file);
  return complaints.length > 0 ? complaints : toSamples(file);
}

const expected = (de: string, en: string): Localised => ({ de, en });

/** What the parts of the file mean together. */
function complaintsOfMeaning(
  source: Source,
  { services = [], valid = [], invalid = [], notifications = [], advance }: SamplesFile,
): readonly Complaint[] {
  const keys = services.map(({ key }) => key);
  const repeated = keys.flatMap((key, index) =>
    keys.indexOf(key) < index
      ? [source.complain(['services', index, 'key'], say.invalid(shown(key), expected('jede Leistung einmal', 'each service once')))]
      : [],
  );
  const applications = [
    ...valid.map((one, index) => ({ one, at: ['valid', index] as const })),
    ...invalid.map((one, index) => ({ one, at: ['invalid', index] as const })),
  ];
  const unknown = applications.flatMap(({ one, at }) =>
    keys.includes(one.service) ? [] : [source.complain([...at, 'service'], say.notOneOf(one.service, keys))],
  );
  const contents = [
    ...applications.flatMap(({ one, at }) =>
      (one.attachments ?? []).map((attachment, index) => ({
        parts: [attachment.text, attachment.base64],
        at: [...at, 'attachments', index],
      })),
    ),
    ...notifications.map(({ body, base64 }, index) => ({ parts: [body, base64], at: ['notifications', index] })),
  ];
  const ambiguous = contents.flatMap(({ parts, at }) =>
    parts.filter((part) => part !== undefined).length === 1
      ? []
      : [
          source.complain(
            at,
            say.invalid('(…)', expected('genau eines von text (body) und base64', 'exactly one of text (body) and base64')),
          ),
        ],
  );
  const both = advance?.run !== undefined && advance.http !== undefined;
  const twice = both
    ? [source.complain(['advance'], say.invalid('(…)', expected('genau eines von run und http', 'exactly one of run and http')))]
    : [];
  return [...repeated, ...unknown, ...ambiguous, ...twice];
}

function toSamples({ services = [], valid = [], invalid = [], notifications, advance, ...file }: SamplesFile): Samples {
  const { count, total, readBack, countEvents, changeForm, ...rest } = file;
  const written = { count, total, readBack, countEvents, changeForm };
  const actions = Object.fromEntries(actionNames.flatMap((name) => (written[name] ? [[name, toAction(written[name])]] : [])));
  return {
    ...rest,
    services: services.map((service) => ({ formRevision: '1', ...service })),
    valid: valid.map(toApplication),
    invalid: invalid.map(toApplication),
    ...(notifications ? { notifications: notifications.map(toNotification) } : {}),
    ...(advance ? { advance: { ...toAction(advance), statuses: advance.statuses } } : {}),
    ...actions,
  };
}

const toAction = ({ run, http }: WrittenAction): Action =>
  http ? { http: { ...http, method: http.method ?? 'GET', headers: http.headers ?? {} } } : { run: run ?? 'false' };

const bytes = (text: string | undefined, base64: string | undefined): Uint8Array =>
  base64 === undefined ? new TextEncoder().encode(text ?? '') : new Uint8Array(Buffer.from(base64, 'base64'));

const toApplication = ({ attachments, ...application }: WrittenApplication): SampleApplication => ({
  ...application,
  ...(attachments
    ? {
        attachments: attachments.map(({ name, mediaType, text, base64 }): SampleAttachment => ({
          name,
          mediaType,
          bytes: bytes(text, base64),
        })),
      }
    : {}),
});

const toNotification = ({ at, headers, body, base64 }: NonNullable<SamplesFile['notifications']>[number]): SampleNotification => ({
  at: new Date(at),
  headers,
  body: bytes(body, base64),
});

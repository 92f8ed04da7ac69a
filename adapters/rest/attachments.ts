import { createHash } from 'node:crypto';
import { AdapterError, type Attachment, type Call, type Json, type WriteCall } from '#contract';
import type { RestConfig } from './config.ts';
import { formOf } from './form.ts';
import type { Ask, Content } from './http.ts';
import { bodyMaker, fill } from './body.ts';
import { fillPath } from './mapping.ts';
import { build } from './pointer.ts';

type AttachmentsConfig = NonNullable<RestConfig['attachments']>;

/** How attachments go over to one back office. */
export interface Attachments {
  /** True where attachments go over after the case was made. */
  readonly follow: boolean;
  /** The request of the application itself, with what goes over in it. */
  enclose(body: Json, documents: readonly Attachment[], call: WriteCall): Promise<{ body: Json } | { content: Content }>;
  /** What goes over afterwards; ids of what did not arrive. */
  send(id: string, documents: readonly Attachment[], call: WriteCall): Promise<readonly string[]>;
}

/** @throws AdapterError unsupported where the back office takes no attachments */
export function createAttachments(config: AttachmentsConfig | undefined, ask: Ask): Attachments {
  const each = config && 'each' in config ? config.each : null;
  const inline = config && 'inline' in config ? config : null;
  const item = bodyMaker(inline?.item ?? {});
  const single = each && typeof each.as === 'object' && 'body' in each.as ? bodyMaker(each.as.body) : null;

  async function contentOf(one: Attachment, call: Call): Promise<Uint8Array<ArrayBuffer>> {
    if (config && one.bytes > config.maxBytes)
      throw new AdapterError('rejected', 'none', `an attachment is larger than ${config.maxBytes} bytes`, {
        fields: { '': 'Eine Anlage ist zu groß.' },
      });
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const part of one.open()) {
      call.signal.throwIfAborted();
      size += part.byteLength;
      if (size > one.bytes) break;
      parts.push(part);
    }
    const bytes = new Uint8Array(Buffer.concat(parts));
    if (size === one.bytes && createHash('sha256').update(bytes).digest('hex') === one.sha256.toLowerCase()) return bytes;
    throw new AdapterError('malformed', 'none', 'an attachment is not what its size and SHA-256 say');
  }

  const described = async (one: Attachment, key: string, bytes: Uint8Array | null): Promise<Json> => ({
    id: one.id,
    key,
    name: plainName(one.name),
    mediaType: one.mediaType,
    bytes: one.bytes,
    sha256: one.sha256,
    ...(bytes ? { base64: Buffer.from(bytes).toString('base64') } : {}),
  });

  async function enclose(body: Json, documents: readonly Attachment[], call: WriteCall): Promise<{ body: Json } | { content: Content }> {
    if (documents.length > 0 && !config) throw new AdapterError('unsupported', 'none', 'this back office takes no attachments');
    if (config && 'multipart' in config) {
      const { multipart } = config;
      const files = await Promise.all(
        documents.map(async (one) => ({
          part: multipart.file,
          file: plainName(one.name),
          type: one.mediaType,
          bytes: await contentOf(one, call),
        })),
      );
      // The same key makes the same bytes, for back offices that compare them.
      return { content: formOf([{ part: multipart.body, type: 'application/json', bytes: JSON.stringify(body) }, ...files], call.key) };
    }
    if (!inline || documents.length === 0) return { body };
    const items: Json[] = [];
    for (const one of documents) items.push(await item(await described(one, call.key, await contentOf(one, call))));
    return { body: merged(body, build([[inline.inline, items]])) };
  }

  async function sendOne(id: string, one: Attachment, call: WriteCall): Promise<void> {
    if (!each) return;
    const bytes = await contentOf(one, call);
    const source = await described(one, call.key, single ? bytes : null);
    const path = fillPath(each.path, { id, attachment: one.id, name: plainName(one.name), key: call.key });
    const content = (): Content => {
      if (each.as === 'raw' || !('part' in each.as)) return { type: one.mediaType, bytes };
      const fields = Object.entries(each.as.fields ?? {}).map(([part, text]) => ({ part, bytes: fill(text, source) }));
      return formOf([...fields, { part: each.as.part, file: plainName(one.name), type: one.mediaType, bytes }], one.id);
    };
    const { status } = await ask(
      { method: each.method, path, key: `${call.key}-${one.id}`, ...(single ? { body: await single(source) } : { content: content() }) },
      call,
    );
    if (status === 404 || status === 410)
      throw new AdapterError('misconfigured', 'none', 'the back office does not know the path of attachments.each');
  }

  return {
    follow: each !== null,
    enclose,
    async send(id, documents, call) {
      if (!each) return [];
      const undone: string[] = [];
      for (const one of documents) {
        try {
          await call.step(`attachment ${one.id}`, async () => {
            await sendOne(id, one, call);
            return true;
          });
        } catch (error) {
          // The case stands; what did not arrive is told, not thrown: the application itself is not to be sent again for it.
          if (!(error instanceof AdapterError) || call.signal.aborted) throw landed(error);
          undone.push(one.id);
        }
      }
      return undone;
    },
  };
}

/** After the case was made, whatever else goes wrong: it is there. */
const landed = (error: unknown): AdapterError =>
  new AdapterError('unavailable', 'done', 'the case was made, but the call ended before all attachments were sent', { cause: error });

/** The name without a path or anything that would end a header or a line. */
export const plainName = (name: string): string => {
  const last = name.toWellFormed().split(/[\\/]/).at(-1) ?? '';
  const clean = last
    .replaceAll(/\p{Cc}/gu, '')
    .trim()
    .slice(-150);
  return /^\.*$/.test(clean) ? 'anlage' : clean;
};

const merged = (one: Json, other: Json): Json => {
  if (!isObject(one) || !isObject(other)) return other;
  const result: Record<string, Json> = { ...one };
  for (const [name, value] of Object.entries(other)) result[name] = name in result ? merged(result[name] ?? null, value) : value;
  return result;
};

const isObject = (value: Json): value is { readonly [key: string]: Json } =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

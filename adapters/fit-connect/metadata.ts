import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { AdapterError, type Json } from '#contract';

/** A part of a submission that the metadata describe. */
export interface DescribedPart {
  /** SHA-512, hexadecimal. */
  readonly sha512: string;
}

export interface DescribedAttachment extends DescribedPart {
  readonly id: string;
  readonly name: string;
  readonly mediaType: string;
}

/** What the metadata of a submission say. */
export interface MetadataContent {
  readonly schemaUri: string;
  readonly data: DescribedPart;
  readonly attachments: readonly DescribedAttachment[];
  /** How the sender finds the application again: the hub's key. */
  readonly senderReference: string;
  /** Day of the application, ISO 8601. */
  readonly applicationDate: string;
  /** E-mail address for answers. */
  readonly email?: string;
}

export const METADATA_SCHEMA = 'https://schema.fitko.de/fit-connect/metadata/2.1.0/metadata.schema.json';

const hash = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'content'],
  properties: { type: { const: 'sha512' }, content: { type: 'string', pattern: '^[a-f0-9]{128}$' } },
} as const;

/*
 * The part of metadata 2.1.0 that this adapter writes, in own words and narrower than FITKO's schema: whatever passes here
 * passes there (a test compares the two where FITKO's file is at hand).
 */
const written = {
  type: 'object',
  additionalProperties: false,
  required: ['$schema', 'contentStructure', 'additionalReferenceInfo'],
  properties: {
    $schema: { const: METADATA_SCHEMA },
    contentStructure: {
      type: 'object',
      additionalProperties: false,
      required: ['data', 'attachments'],
      properties: {
        data: {
          type: 'object',
          additionalProperties: false,
          required: ['hash', 'submissionSchema'],
          properties: {
            hash,
            submissionSchema: {
              type: 'object',
              additionalProperties: false,
              required: ['schemaUri', 'mimeType'],
              properties: { schemaUri: { type: 'string', format: 'uri' }, mimeType: { const: 'application/json' } },
            },
          },
        },
        attachments: {
          type: 'array',
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['hash', 'purpose', 'mimeType', 'attachmentId', 'filename'],
            properties: {
              hash,
              purpose: { const: 'attachment' },
              mimeType: { type: 'string', pattern: '^[-\\w.]+/[-\\w.+]+$' },
              attachmentId: { type: 'string', format: 'uuid', minLength: 36, maxLength: 36 },
              filename: { type: 'string' },
            },
          },
        },
      },
    },
    replyChannel: {
      type: 'object',
      additionalProperties: false,
      required: ['eMail'],
      properties: {
        eMail: {
          type: 'object',
          additionalProperties: false,
          required: ['address'],
          properties: { address: { type: 'string', format: 'email' } },
        },
      },
    },
    additionalReferenceInfo: {
      type: 'object',
      additionalProperties: false,
      required: ['senderReference', 'applicationDate'],
      properties: { senderReference: { type: 'string', minLength: 1 }, applicationDate: { type: 'string', format: 'date' } },
    },
  },
} as const;

const ajv = new Ajv2020({ strict: true });
addFormats.default(ajv, ['uri', 'uuid', 'email', 'date']);
const validate = ajv.compile(written);
const isEmail = ajv.compile({ type: 'string', format: 'email' });

/** The metadata as they are sent. An e-mail address that is none is left out: the city then answers by letter. */
export function toMetadata({ schemaUri, data, attachments, senderReference, applicationDate, email }: MetadataContent): Json {
  const sha = (content: string) => ({ type: 'sha512', content });
  return {
    $schema: METADATA_SCHEMA,
    contentStructure: {
      data: { hash: sha(data.sha512), submissionSchema: { schemaUri, mimeType: 'application/json' } },
      attachments: attachments.map(({ id, name, mediaType, sha512 }) => ({
        attachmentId: id,
        filename: name,
        mimeType: mediaType,
        purpose: 'attachment',
        hash: sha(sha512),
      })),
    },
    ...(email !== undefined && isEmail(email) ? { replyChannel: { eMail: { address: email } } } : {}),
    additionalReferenceInfo: { senderReference, applicationDate },
  };
}

/** @throws AdapterError misconfigured, naming the place, where the metadata would not be taken. */
export function assertMetadata(metadata: Json): void {
  if (validate(metadata)) return;
  const at = validate.errors?.[0]?.instancePath ?? '';
  throw new AdapterError('misconfigured', 'none', `the metadata of the submission would be refused at ${at || '/'}: nothing was sent`);
}

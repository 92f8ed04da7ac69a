import type { Json, Person } from '#contract';

/** What a city gives the kit so that it can see what the back office does: its samples.yaml. schema/samples.schema.json. */
export interface Samples {
  /** At least two services that the back office takes. */
  readonly services: readonly SampleService[];
  /** Applications that it must take. */
  readonly valid: readonly SampleApplication[];
  /** Applications that it must refuse. */
  readonly invalid: readonly SampleApplication[];
  /** True if it takes whatever it is sent: then there is nothing under `invalid`. @default false */
  readonly refusesNothing?: boolean;
  /** Id of a case that it does not have. */
  readonly unknownCase?: string;
  /** How to move a case on: {case} and {status} are filled in. Each call moves to the next of `statuses`. */
  readonly advance?: Action & { readonly statuses: readonly string[] };
  /** How to learn how many cases it has with {key}: prints or answers a number. */
  readonly count?: Action;
  /** How to learn how many cases it has at all: prints or answers a number. */
  readonly total?: Action;
  /** How to read what it holds of {case} or {key}: prints or answers any text. */
  readonly readBack?: Action;
  /** How to learn how many times {event} took effect: prints or answers a number. */
  readonly countEvents?: Action;
  /** How to change a form of its catalogue. */
  readonly changeForm?: Action;
  /** Settings that the config's schema accepts and the back office does not know: a JSON pointer into the config, and the value. */
  readonly wrongSettings?: readonly { readonly at: string; readonly value: Json }[];
  /** Configs that earlier versions of the adapter accepted. */
  readonly oldConfigs?: readonly { readonly version: string; readonly config: Json }[];
  /** Notifications that it sent, as they came: headers, body, and when. */
  readonly notifications?: readonly SampleNotification[];
  /** Events it takes (EventsPort). */
  readonly events?: readonly { readonly type: string; readonly facts: { readonly [name: string]: Json }; readonly municipality?: string }[];
  /** Rows it answers (RowsPort). */
  readonly rows?: readonly {
    readonly field: string;
    readonly rows: readonly string[];
    readonly args?: { readonly [name: string]: Json };
    readonly selection?: string;
  }[];
}

export interface SampleService {
  readonly key: string;
  readonly name: string;
  readonly localKey: string;
  readonly formRevision: string;
}

export interface SampleApplication {
  /** Key of one of the services. */
  readonly service: string;
  readonly applicant: Person;
  readonly formData: Json;
  readonly attachments?: readonly SampleAttachment[];
}

export interface SampleAttachment {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** A shell command (in the folder of the samples) or an HTTP request. `${NAME}` in either is a variable of the environment. */
export type Action =
  | { readonly run: string }
  | {
      readonly http: {
        readonly method: string;
        readonly url: string;
        readonly headers: Readonly<Record<string, string>>;
        readonly body?: Json;
        /** JSON pointer to the number in the answer; absent there: 0. */
        readonly at?: string;
      };
    };

export interface SampleNotification {
  /** The moment it was sent: the adapter's clock stands there while it is checked. */
  readonly at: Date;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

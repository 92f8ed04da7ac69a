/** A service as GET services lists it. */
export interface SimulatedService {
  readonly service_code: string;
  readonly service_name: string;
  readonly description: string;
  readonly metadata: boolean;
  readonly type: 'realtime' | 'batch' | 'blackbox';
  readonly keywords: string;
  readonly group: string;
}

/** An attribute of a service as its definition lists it. */
export interface SimulatedAttribute {
  readonly variable: boolean;
  readonly code: string;
  readonly datatype: 'string' | 'number' | 'datetime' | 'text' | 'singlevaluelist' | 'multivaluelist';
  readonly required: boolean;
  readonly datatype_description: string;
  readonly order: number;
  readonly description: string;
  readonly values?: readonly { readonly key: string; readonly name: string }[];
}

const service = (service_code: string, service_name: string, description: string, metadata: boolean): SimulatedService => ({
  service_code,
  service_name,
  description,
  metadata,
  type: 'realtime',
  keywords: '',
  group: 'Öffentlicher Raum',
});

export const services: readonly SimulatedService[] = [
  service('muell', 'Wilder Müll', 'Abfall im öffentlichen Raum & im Grünen melden', false),
  service('halteverbot', 'Halteverbot', 'Eine vorübergehende Halteverbotszone beantragen', true),
  service('laterne', 'Straßenlaterne defekt', 'Eine Laterne brennt nicht <oder flackert>', true),
];

export const definitions: Readonly<Record<string, readonly SimulatedAttribute[]>> = {
  halteverbot: [
    { variable: true, code: 'FROM', datatype: 'datetime', required: true, datatype_description: '', order: 1, description: 'Beginn' },
    { variable: true, code: 'DAYS', datatype: 'number', required: false, datatype_description: 'in Tagen', order: 2, description: 'Dauer' },
  ],
  laterne: [
    {
      variable: false,
      code: 'HINT',
      datatype: 'string',
      required: false,
      datatype_description: '',
      order: 0,
      description: 'Die Nummer steht in Augenhöhe am Mast.',
    },
    {
      variable: true,
      code: 'FAULT',
      datatype: 'singlevaluelist',
      required: true,
      datatype_description: '',
      order: 2,
      description: 'Was ist zu sehen?',
      values: [
        { key: 'out', name: 'brennt nicht' },
        { key: 'flicker', name: 'flackert' },
      ],
    },
    {
      variable: true,
      code: 'TIMES',
      datatype: 'multivaluelist',
      required: false,
      datatype_description: '',
      order: 3,
      description: 'Wann?',
      values: [
        { key: 'evening', name: 'abends' },
        { key: 'night', name: 'nachts' },
      ],
    },
    {
      variable: true,
      code: 'POLE',
      datatype: 'string',
      required: false,
      datatype_description: '',
      order: 1,
      description: 'Nummer des Mastes',
    },
  ],
};

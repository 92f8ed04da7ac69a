import type { ValueSource } from './document-values.ts';
import type { SandboxHub } from './sandbox-hub.ts';

const serviceKeys = ['99108001001000', '99115005104000', '99108001000000', '99115005000000', '99000000000000', 'L051110000000.1', 'x', ''];
const regions = ['051110000000', '053150000000', '051620024024', '091620000000', '05', '051', '051620024025', '0', 'nowhere'];
const words = ['anwohnerparken', 'umzug', 'Hund', 'Ummeldung', 'parking', 'zzz', '', 'Düsseldorf', 'Köln'];

/** Values that the sandbox's hub knows, and some that it does not: at random it would find nothing. */
export function hubValues({ applications, cases }: Pick<SandboxHub, 'applications' | 'cases'>): ValueSource {
  const globalId = (type: string, key: string) => Buffer.from(`${type}:${key}`).toString('base64url');
  const ids = [
    ...applications,
    ...cases,
    globalId('Municipality', '053150000000'),
    globalId('Service', '99108001001000'),
    globalId('Service', 'x'),
    'nonsense',
    '',
  ];
  return ({ type, name }, random) => {
    if (type === 'ServiceKey') return random.pick(serviceKeys);
    if (type === 'RegionalKey') return random.pick(regions);
    if (type === 'ID') return random.pick(ids);
    if (type === 'Date') return random.pick(['2026-11-24', '2026-12-01', '2026-02-30', 'x']);
    if (type === '_Any')
      return random.pick([
        { __typename: 'Service', key: '99108001001000' },
        { __typename: 'Municipality', ars: '053150000000' },
        { __typename: 'Municipality', ags: '05111000' },
        { __typename: 'Application', id: ids[0] },
        { __typename: 'Nothing' },
        { __typename: 'Service' },
        3,
      ]);
    if (name === 'first') return random.pick([1, 1, 2, 3, 5, 0, 101]);
    if (name === 'search' || name === 'lifeSituation') return random.pick(words);
    if (name === 'postalCode') return random.pick(['40213', '50667', '52538', '00000', 'x']);
    if (name === 'ags') return random.pick(['05111000', '05315000', '0']);
    return undefined;
  };
}

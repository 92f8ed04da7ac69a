import { now, type PortalDefinition } from './portal.ts';

const sdl = /* GraphQL */ `
  type Query {
    me: String!
    "One entry for each place that is known."
    places(keys: [ID!]!): [Place!]!
  }
  type Place {
    key: ID!
    kindergartens(minVacancies: Int = 0, ageMonths: Int, limit: Int = 20): [Kindergarten!]!
    offices(service: String, limit: Int = 20): [Office!]!
    constructionSites(from: String, to: String, limit: Int = 20): [Site!]!
  }
  type Kindergarten {
    id: ID!
    name: String!
    operator: String
    street: String
    zip: String
    town: String
    vacancies: Int
    capacity: Int
    fromMonths: Int
    toMonths: Int
    registration: String
    updatedAt: String
  }
  type Office {
    id: ID!
    name: String!
    street: String
    zip: String
    town: String
    phone: String
    hours: [Hours!]!
    exceptions: [Special!]
    waiting: Int
    url: String
    updatedAt: String
  }
  type Hours {
    day: Day!
    from: String!
    until: String!
    appointmentOnly: Boolean
  }
  type Special {
    date: String!
    closed: Boolean!
    from: String
    until: String
    reason: String
  }
  enum Day {
    MONDAY
    TUESDAY
    WEDNESDAY
    THURSDAY
    FRIDAY
    SATURDAY
    SUNDAY
  }
  type Site {
    id: ID!
    title: String!
    street: String!
    district: String
    begins: String!
    ends: String
    closure: Closure!
    diversion: String
    latitude: Float
    longitude: Float
    builder: String
    url: String
    updatedAt: String
  }
  enum Closure {
    NONE
    PARTIAL
    ONE_WAY
    FULL
  }
`;

const kindergarten = (id: string, name: string, operator: string, street: string, zip: string, vacancies: number, capacity: number) => ({
  id,
  name,
  operator,
  street,
  zip,
  town: 'Düsseldorf',
  vacancies,
  capacity,
  fromMonths: 4,
  toMonths: 72,
  registration: 'https://kita.duesseldorf.example/anmeldung',
  updatedAt: now,
});

const kindergartens = [
  kindergarten('k-101', 'Kita Rheinufer', 'Landeshauptstadt Düsseldorf', 'Mannesmannufer 3', '40213', 3, 80),
  kindergarten('k-102', 'Kita Königsallee', 'AWO Familienglobus', 'Königsallee 60', '40212', 0, 45),
  kindergarten('k-103', 'Waldkita Grafenberg', 'Waldkinder e. V.', 'Rennbahnstraße 60', '40629', 5, 20),
  kindergarten('k-104', 'Kita St. Lambertus', 'Katholische Kirche', 'Stiftsplatz 7', '40213', 1, 60),
];

const usual = ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY'].map((day) => ({
  day,
  from: '08:00',
  until: day === 'FRIDAY' ? '13:00' : '18:00',
  appointmentOnly: day === 'FRIDAY',
}));

const office = (id: string, name: string, street: string, zip: string, waiting: number | null) => ({
  id,
  name,
  street,
  zip,
  town: 'Düsseldorf',
  phone: '+49 211 8991',
  hours: usual,
  exceptions: [{ date: '2026-12-24', closed: true, from: null, until: null, reason: 'Heiligabend' }],
  waiting,
  url: 'https://www.duesseldorf.example/buergerbueros',
  updatedAt: now,
});

const offices = [
  office('o-1', 'Bürgerbüro Mitte', 'Willi-Becker-Allee 7', '40227', 25),
  office('o-2', 'Bürgerbüro Benrath', 'Benrodestraße 46', '40597', null),
];

const sites = [
  {
    id: 's-1',
    title: 'Fernwärme',
    street: 'Kaiserstraße',
    district: 'Pempelfort',
    begins: '2026-11-02',
    ends: '2027-02-26',
    closure: 'ONE_WAY',
    diversion: 'über Nordstraße',
    latitude: 51.2347,
    longitude: 6.7784,
    builder: 'Stadtwerke Düsseldorf',
    url: null,
    updatedAt: now,
  },
  {
    id: 's-2',
    title: 'Kanalsanierung',
    street: 'Bilker Allee',
    district: 'Bilk',
    begins: '2026-12-01',
    ends: null,
    closure: 'FULL',
    diversion: null,
    latitude: 51.2129,
    longitude: 6.7775,
    builder: 'Stadtentwässerungsbetrieb',
    url: 'https://www.duesseldorf.example/baustellen/s-2',
    updatedAt: now,
  },
];

const place = {
  key: '051110000000',
  kindergartens: ({ minVacancies, ageMonths, limit }: { minVacancies: number; ageMonths?: number; limit: number }) =>
    kindergartens
      .filter((one) => one.vacancies >= minVacancies)
      .filter((one) => ageMonths === undefined || (one.fromMonths <= ageMonths && ageMonths <= one.toMonths))
      .slice(0, limit),
  offices: ({ limit }: { limit: number }) => offices.slice(0, limit),
  constructionSites: ({ from, to, limit }: { from?: string; to?: string; limit: number }) =>
    sites
      .filter(({ ends }) => from === undefined || ends === null || ends >= from)
      .filter(({ begins }) => to === undefined || begins <= to)
      .slice(0, limit),
};

/** Düsseldorf's portal: its API speaks English. */
export const duesseldorfPortal: PortalDefinition = {
  sdl,
  root: { me: 'hub', places: ({ keys }: { keys: string[] }) => (keys.includes(place.key) ? [place] : []) },
};

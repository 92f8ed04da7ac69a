import { now, type PortalDefinition } from './portal.ts';

const sdl = /* GraphQL */ `
  type Query {
    version: String!
    "Ein Eintrag je Gemeinde, die bekannt ist."
    gemeinden(schluessel: [ID!]!): [Gemeinde!]!
  }
  type Gemeinde {
    schluessel: ID!
    kitas(freiMindestens: Int = 0, anzahl: Int = 20): [Kita!]!
    buergeraemter(anzahl: Int = 20): [Amt!]!
  }
  type Kita {
    kennung: Int!
    name: String!
    traeger: String
    strasse: String
    plz: String
    ort: String
    freiePlaetze: Int
    plaetze: Int
    abMonaten: Int
    bisMonate: Int
    anmeldung: String
    stand: String
  }
  type Amt {
    kennung: Int!
    name: String!
    strasse: String
    plz: String
    ort: String
    telefon: String
    zeiten: [Zeit!]!
    ausnahmen: [Ausnahme!]
    wartezeit: Int
    seite: String
    stand: String
  }
  type Zeit {
    wochentag: String!
    von: String!
    bis: String!
    nurMitTermin: Boolean
  }
  type Ausnahme {
    tag: String!
    geschlossen: Boolean!
    von: String
    bis: String
    grund: String
  }
`;

const kita = (kennung: number, name: string, traeger: string, strasse: string, plz: string, freiePlaetze: number, plaetze: number) => ({
  kennung,
  name,
  traeger,
  strasse,
  plz,
  ort: 'Köln',
  freiePlaetze,
  plaetze,
  abMonaten: 12,
  bisMonate: 72,
  anmeldung: 'https://kita.koeln.example/anmeldung',
  stand: now,
});

const kitas = [
  kita(4711, 'Kita Domspatzen', 'Stadt Köln', 'Am Hof 12', '50667', 2, 65),
  kita(4712, 'Kita Rheinpiraten', 'FRÖBEL', 'Im Zollhafen 4', '50678', 0, 90),
  kita(4713, 'Kita Veedelskinder', 'AWO', 'Venloer Straße 301', '50823', 4, 50),
];

const amt = (kennung: number, name: string, strasse: string, plz: string, wartezeit: number) => ({
  kennung,
  name,
  strasse,
  plz,
  ort: 'Köln',
  telefon: '+49 221 2210',
  zeiten: ['MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY'].map((wochentag) => ({
    wochentag,
    von: '07:30',
    bis: wochentag === 'TUESDAY' || wochentag === 'THURSDAY' ? '18:00' : '12:00',
    nurMitTermin: false,
  })),
  ausnahmen: [],
  wartezeit,
  seite: 'https://www.koeln.example/kundenzentren',
  stand: now,
});

const aemter = [
  amt(1, 'Kundenzentrum Innenstadt', 'Laurenzplatz 1', '50667', 40),
  amt(2, 'Kundenzentrum Ehrenfeld', 'Venloer Straße 419', '50825', 15),
  amt(3, 'Kundenzentrum Nippes', 'Neusser Straße 450', '50733', 10),
];

const gemeinde = {
  schluessel: '053150000000',
  kitas: ({ freiMindestens, anzahl }: { freiMindestens: number; anzahl: number }) =>
    kitas.filter(({ freiePlaetze }) => freiePlaetze >= freiMindestens).slice(0, anzahl),
  buergeraemter: ({ anzahl }: { anzahl: number }) => aemter.slice(0, anzahl),
};

/** Köln's portal: its API speaks German, and knows no roadworks. */
export const koelnPortal: PortalDefinition = {
  sdl,
  root: {
    version: '3.2',
    gemeinden: ({ schluessel }: { schluessel: string[] }) => (schluessel.includes(gemeinde.schluessel) ? [gemeinde] : []),
  },
};

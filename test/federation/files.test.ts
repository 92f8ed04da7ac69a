import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readEntry } from '../../src/federation/entry.ts';
import { plugInFiles } from '../../src/federation/plug-in-files.ts';
import { readSubgraphFiles } from '../../src/federation/read-files.ts';
import { startTestHub, type TestHub } from '../kit/hub.ts';
import { startSubgraph, type SubgraphServer } from './kit/subgraph-server.ts';

const sdl = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: [])
type Query { bonnNews: String }
`;
const folder = mkdtempSync(join(tmpdir(), 'staedtebund-subgraphs-'));
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('files of subgraphs', () => {
  test('are read with their defaults, and every mistake has its place', async () => {
    write('bonn.yaml', 'url: { $env: BONN_URL }\nsdl: ./bonn.graphql\nclaims: [roles]\n');
    write('bonn.graphql', sdl);
    write('koeln.yaml', 'url: ftp://x\ntimeoutMs: 1\nnotes: x\n');
    write('neuss.yaml', 'url: https://neuss.example/graphql\nsdl: ./gone.graphql\n');
    write('Hub.yaml', 'url: https://x.example\n');
    const { files, complaints } = await readSubgraphFiles(folder, { BONN_URL: 'http://127.0.0.1:1/graphql' });
    expect(files.map(({ entry, sdl: own }) => [entry.name, entry.url, entry.claims, entry.limits.timeoutMs, own?.text])).toEqual([
      ['bonn', 'http://127.0.0.1:1/graphql', ['roles'], 2000, sdl],
    ]);
    const said = complaints.map(({ file, line, path }) => `${file.replace(`${folder}/`, '')}:${line} ${path}`);
    expect(said).toEqual(
      expect.arrayContaining(['koeln.yaml:1 url', 'koeln.yaml:2 timeoutMs', 'neuss.yaml:2 sdl', expect.stringContaining('Hub.yaml:1')]),
    );
    for (const name of ['koeln.yaml', 'neuss.yaml', 'Hub.yaml']) rmSync(join(folder, name));
  });

  test.each([
    '169.254.169.254',
    '[::ffff:169.254.169.254]',
    '[::ffff:a9fe:a9fe]',
    '[fd00:ec2::254]',
    '[fe80::1]',
    'metadata.google.internal',
  ])('an address of a metadata service is none of a subgraph: %s', (host) => {
    expect(readEntry({ name: 'bonn', url: `http://${host}/graphql` })).toMatchObject([{ path: ['url'] }]);
    expect(readEntry({ name: 'bonn', url: 'http://[fd00::254]/graphql' })).toMatchObject({ name: 'bonn' });
  });

  test('a folder that is not there has none', async () => {
    expect(await readSubgraphFiles(join(folder, 'none'), {})).toEqual({ files: [], complaints: [] });
  });
});

describe('a hub with files of subgraphs', () => {
  let city: SubgraphServer;
  let hub: TestHub;
  beforeAll(async () => {
    city = await startSubgraph({ sdl, resolvers: { Query: { bonnNews: () => 'sunny' } } });
    mkdirSync(folder, { recursive: true });
    hub = await startTestHub({ cities: {}, env: { SUBGRAPHS_DIR: folder, BONN_URL: city.url } });
  });
  afterAll(async () => {
    await hub.close();
    await city.close();
  });

  test('plugs them in before it listens', async () => {
    expect((await hub.ask('{ bonnNews }')).data).toEqual({ bonnNews: 'sunny' });
  });

  test('takes out what no file names any more, and leaves what was registered otherwise', async () => {
    await hub.hub.federation.register(
      { ...(hub.hub.federation.list()[0] as never as object), name: 'trier', sdl: sdl.replace('bonn', 'trier') } as never,
      'api',
    );
    rmSync(join(folder, 'bonn.yaml'));
    const plugging = await plugInFiles({ federation: hub.hub.federation, folder, env: {}, log: hub.hub.log });
    await plugging.stop();
    expect(hub.hub.federation.list().map(({ name }) => name)).toEqual(['trier']);
    expect((await hub.ask('{ bonnNews }')).errors).toHaveLength(1);
  });
});

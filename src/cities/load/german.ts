/*
 * German for what schemas say they expect, by the English text: adapters and formats state their expectations once, in English.
 * test/cities/one-language.test.ts finds what an adapter that ships with the hub says and is not here.
 */
const german: Readonly<Record<string, string>> = {
  // offers and forms
  '1 to 40 letters, digits, - or _': '1 bis 40 Buchstaben, Ziffern, - oder _',
  '1 to 60 letters, digits, or _ . : -': '1 bis 60 Buchstaben, Ziffern oder _ . : -',
  'the name of one of authorities, or an authority itself': 'ein Name aus authorities oder eine Behörde selbst',
  'a LeiKa key: 14 digits, 99 first, in quotes': 'ein LeiKa-Schlüssel: 14 Ziffern, zuerst 99, in Anführungszeichen',
  'a web address, http or https': 'eine Webadresse mit http oder https',
  'a date as YYYY-MM-DD': 'ein Tag in der Form JJJJ-MM-TT',
  'five digits, in quotes': 'fünf Ziffern in Anführungszeichen',
  'an ISO 4217 code such as EUR': 'ein Währungskürzel nach ISO 4217, zum Beispiel EUR',
  'an ARS of 2, 3, 5, 9 or 12 digits, in quotes': 'ein ARS mit 2, 3, 5, 9 oder 12 Ziffern in Anführungszeichen',
  'a whole number from 0 to 4': 'eine ganze Zahl von 0 bis 4',
  'min to be at most max': 'min höchstens so groß wie max',
  // subgraphs
  'an http or https URL': 'eine Adresse mit http oder https',
  'an http or https URL without user name and password, and not of a metadata service':
    'eine Adresse mit http oder https, ohne Benutzername und Passwort, und nicht die eines Metadatendienstes',
  'lower-case letters and digits, 2 to 31 of them': '2 bis 31 Kleinbuchstaben und Ziffern',
  'a name that is not one of the hub’s own words': 'ein Name, der keines der eigenen Wörter des Hubs ist',
  // adapters: pointers, paths, names
  'a JSON pointer: empty or beginning with /': 'ein JSON-Pointer: leer oder mit / am Anfang',
  'a JSON pointer, for example /applicant/name': 'ein JSON-Pointer, zum Beispiel /applicant/name',
  'a path beginning with one /': 'ein Pfad, der mit einem / beginnt',
  'a path: empty or names that each begin with /': 'ein Pfad: leer oder Namen, vor denen je ein / steht',
  'a path of element names; the last may be @attribute': 'ein Pfad aus Elementnamen; der letzte darf @attribut sein',
  'a path without a secret: use auth with a header, or auth: { query, secret }':
    'ein Pfad ohne Geheimnis: nehmen Sie auth mit einem Kopf, oder auth: { query, secret }',
  'a pointer to a list or an object': 'ein Zeiger auf eine Liste oder ein Objekt',
  'an element’s name without prefix': 'der Name eines Elements ohne Präfix',
  'names of elements with / between them': 'Namen von Elementen mit / dazwischen',
  'a folder, with / between names': 'ein Ordner, mit / zwischen den Namen',
  'a folder without ..': 'ein Ordner ohne ..',
  'at most 20 of a–z, 0–9 and -': 'höchstens 20 Zeichen aus a–z, 0–9 und -',
  'an ending with its dot, for example .ok': 'eine Endung mit ihrem Punkt, zum Beispiel .ok',
  'a plain name of at most 63 characters, without quotes and dots':
    'ein einfacher Name von höchstens 63 Zeichen, ohne Anführungszeichen und Punkte',
  'a name, or schema.name, without quotes': 'ein Name oder schema.name, ohne Anführungszeichen',
  'the name of a header': 'der Name eines Kopfs',
  'the name of a query parameter': 'der Name eines Abfrageparameters',
  'a header that the connection does not set itself': 'ein Kopf, den die Verbindung nicht selbst setzt',
  'a header that neither auth nor the connection sets itself': 'ein Kopf, den weder auth noch die Verbindung selbst setzt',
  'a header without a secret: this name belongs into secretHeaders': 'ein Kopf ohne Geheimnis: dieser Name gehört in secretHeaders',
  'one line': 'eine einzige Zeile',
  'a media type such as application/pdf': 'ein Medientyp wie application/pdf',
  'application/json or application/….+json': 'application/json oder application/….+json',
  'a regular expression': 'ein regulärer Ausdruck',
  'a regular expression that looks neither ahead, behind nor back':
    'ein regulärer Ausdruck, der weder voraus- noch zurückblickt und sich nicht auf Gefundenes bezieht',
  'a JSON pointer, or a JSONata expression as { $: … }': 'ein JSON-Pointer oder ein JSONata-Ausdruck in der Form { $: … }',
  'at least one': 'mindestens eines',
  'a contract field such as Municipality.kitas': 'ein Vertragsfeld wie Municipality.kitas',
  'scheme://host:port/database, without user, password and options': 'schema://host:port/datenbank, ohne Benutzer, Passwort und Optionen',
  'sftp://host:port, without user and path': 'sftp://host:port, ohne Benutzer und Pfad',
  'SHA256:… as ssh-keygen -l prints it': 'SHA256:…, wie ssh-keygen -l es ausgibt',
  'a time zone such as Europe/Berlin': 'eine Zeitzone wie Europe/Berlin',
  'a time zone of the IANA list, for example Europe/Berlin': 'eine Zeitzone der IANA-Liste, zum Beispiel Europe/Berlin',
  'a LeiKa key: 14 digits that begin with 99': 'ein LeiKa-Schlüssel: 14 Ziffern, die mit 99 beginnen',
  'a LeiKa key: 14 digits beginning with 99': 'ein LeiKa-Schlüssel: 14 Ziffern, die mit 99 beginnen',
  'contains {id}': 'ein Text, in dem {id} vorkommt',
  'contains {key}': 'ein Text, in dem {key} vorkommt',
  'contains {ids} or {id}': 'ein Text, in dem {ids} oder {id} vorkommt',
  // adapters: what belongs together
  'say either destination or routing': 'entweder destination oder routing',
  'say one of file, url and bulk': 'genau eines von file, url und bulk',
  'a variable that carries the key: map one to /key, or set idempotency to none':
    'eine Variable, die den Schlüssel trägt: bilden Sie eine auf /key ab, oder setzen Sie idempotency auf none',
  'a variable that carries the ids: map one to /ids': 'eine Variable, die die Kennungen trägt: bilden Sie eine auf /ids ab',
  'either /cursor or /since in a variable': 'entweder /cursor oder /since in einer Variablen',
  'where the answer says how to go on': 'die Stelle, an der die Antwort sagt, wie es weitergeht',
  'a variable that carries the rows: map one to /rows': 'eine Variable, die die Zeilen trägt: bilden Sie eine auf /rows ab',
  'idempotency by lookup needs a field that carries the key: map one to /key':
    'ein Feld, das den Schlüssel trägt (idempotency mit lookup braucht es): bilden Sie eines auf /key ab',
  'a path with {cursor} needs next: where the answer says how to go on':
    'next, die Stelle, an der die Antwort sagt, wie es weitergeht: ein Pfad mit {cursor} braucht sie',
  'errors.kinds needs errors.code: where the code stands': 'errors.code, die Stelle des Fehlercodes: errors.kinds braucht sie',
  'inline attachments need a field that carries the content: map one to /base64':
    'ein Feld, das den Inhalt trägt (Anlagen im Antrag selbst brauchen es): bilden Sie eines auf /base64 ab',
  'with xml, each name is a path of elements: letters, digits, _ . - and /':
    'bei xml je ein Pfad aus Elementen: Buchstaben, Ziffern, _ . - und /',
  'required and longest name fields': 'in required und longest nur Namen aus fields',
  'one field must carry the key: map it to /key': 'ein Feld, das den Schlüssel trägt: bilden Sie es auf /key ab',
  'idempotency by lookup needs operations.find; without it say native or none':
    'operations.find (idempotency mit lookup braucht es); ohne es native oder none',
  'the key must travel with the application: map an element to /key, or say idempotency: none':
    'ein Element, das den Schlüssel mitnimmt: bilden Sie eines auf /key ab, oder schreiben Sie idempotency: none',
  'find asks for the key: map an element to /key': 'ein Element mit dem Schlüssel, nach dem find fragt: bilden Sie eines auf /key ab',
  'map an element to /id (one by one), or to { each: /ids, … } (all at once)':
    'ein Element auf /id abgebildet (einzeln) oder auf { each: /ids, … } (alle zugleich)',
  'map an element either to /since (a moment) or to /cursor (where the last page ended)':
    'ein Element entweder auf /since (Zeitpunkt) oder auf /cursor (Ende der letzten Seite) abgebildet',
  'changes by /cursor need next: where the answer says how to go on':
    'next, die Stelle, an der die Antwort sagt, wie es weitergeht: Änderungen mit /cursor brauchen sie',
  'attachments and an element with { each: /attachments } in operations.submit.fields belong together':
    'attachments zusammen mit einem Element { each: /attachments } in operations.submit.fields',
  'an element in fields has a prefix that is not declared here': 'jedes Präfix, das ein Element in fields hat',
  'one column or argument must carry the key: map it to /key': 'eine Spalte oder ein Argument mit dem Schlüssel: bilden Sie es auf /key ab',
  'one column must carry /attachment/id and be unique: it is what keeps a document from arriving twice':
    'eine eindeutige Spalte mit /attachment/id: sie verhindert, dass eine Anlage zweimal ankommt',
  'attachments need idempotency: unique, so that what is missing after a lost connection can be sent again':
    'idempotency: unique zusammen mit attachments, damit nach einer abgebrochenen Verbindung nachgeschickt werden kann',
};

/** The German for an English expectation; if nobody has translated it, the English one as a quotation. */
export const germanOf = (english: string): string => german[english] ?? `was der Adapter so beschreibt: „${english}“`;

-- What a city does once in its PostgreSQL: the table is the back office's own, the rest is for the hub.
CREATE TABLE antrag (
  nr bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  leistung varchar(80) NOT NULL,
  name varchar(80) NOT NULL,
  email varchar(200),
  kennzeichen varchar(12) CONSTRAINT kennzeichen_gueltig CHECK (kennzeichen ~ '^[A-ZÄÖÜ]{1,3}-'),
  angaben jsonb,
  eingang timestamptz NOT NULL,
  stand varchar(20) NOT NULL DEFAULT 'neu',
  geaendert timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- The hub's key. Unique: the same application twice is one case.
  hub_key varchar(64) UNIQUE
);
CREATE INDEX antrag_geaendert ON antrag (geaendert, nr);

CREATE TABLE anlage (
  -- Unique as well: a document that is sent again arrives once.
  id uuid PRIMARY KEY,
  hub_key varchar(64) NOT NULL REFERENCES antrag (hub_key),
  dateiname varchar(120) NOT NULL,
  inhalt bytea NOT NULL
);

-- What the hub may see of a case: no name, no form.
CREATE VIEW hub_cases AS
  SELECT nr, '32-' || nr AS aktenzeichen, stand, geaendert, hub_key FROM antrag WHERE hub_key IS NOT NULL;

CREATE PROCEDURE hub_ruecknahme(fall bigint, grund text) LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS
  $$ UPDATE antrag SET stand = 'zurückgezogen', geaendert = clock_timestamp() WHERE nr = fall AND stand <> 'zurückgezogen' $$;
REVOKE EXECUTE ON PROCEDURE hub_ruecknahme FROM PUBLIC;

CREATE ROLE staedtebund LOGIN PASSWORD 'change-me-please' CONNECTION LIMIT 12;
GRANT SELECT ON hub_cases TO staedtebund;
GRANT INSERT (leistung, name, email, kennzeichen, angaben, eingang, hub_key) ON antrag TO staedtebund;
GRANT INSERT ON anlage TO staedtebund;
GRANT EXECUTE ON PROCEDURE hub_ruecknahme TO staedtebund;

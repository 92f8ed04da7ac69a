-- What a city does once in its MariaDB: the table is the back office's own, the rest is for the hub.
CREATE TABLE antrag (
  nr bigint AUTO_INCREMENT PRIMARY KEY,
  leistung varchar(80) NOT NULL,
  name varchar(80) NOT NULL,
  email varchar(200),
  kennzeichen varchar(12) DEFAULT NULL,
  angaben json,
  eingang timestamp(3) NOT NULL DEFAULT current_timestamp(3),
  stand varchar(20) NOT NULL DEFAULT 'neu',
  geaendert timestamp(6) NOT NULL DEFAULT current_timestamp(6),
  -- The hub's key. Unique: the same application twice is one case. Compared byte by byte.
  hub_key varchar(64) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  UNIQUE KEY antrag_hub_key (hub_key),
  KEY antrag_geaendert (geaendert, nr),
  CONSTRAINT kennzeichen_gueltig CHECK (kennzeichen RLIKE '^[A-ZÄÖÜ]{1,3}-')
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;

CREATE TABLE anlage (
  -- Unique as well: a document that is sent again arrives once.
  id uuid PRIMARY KEY,
  hub_key varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  dateiname varchar(120) NOT NULL,
  inhalt longblob NOT NULL,
  FOREIGN KEY (hub_key) REFERENCES antrag (hub_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4;

-- What the hub may see of a case: no name, no form.
CREATE VIEW hub_cases AS
  SELECT nr, CONCAT('32-', nr) AS aktenzeichen, stand, geaendert, hub_key FROM antrag WHERE hub_key IS NOT NULL;

CREATE PROCEDURE hub_ruecknahme(fall bigint, grund text) SQL SECURITY DEFINER
  UPDATE antrag SET stand = 'zurückgezogen', geaendert = current_timestamp(6) WHERE nr = fall AND stand <> 'zurückgezogen';

CREATE USER staedtebund@'%' IDENTIFIED BY 'change-me-please' WITH MAX_USER_CONNECTIONS 12;
GRANT SELECT ON hub_cases TO staedtebund@'%';
GRANT INSERT (leistung, name, email, kennzeichen, angaben, eingang, hub_key) ON antrag TO staedtebund@'%';
GRANT INSERT ON anlage TO staedtebund@'%';
GRANT EXECUTE ON PROCEDURE hub_ruecknahme TO staedtebund@'%';

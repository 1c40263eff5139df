-- Literals that TIMESTAMP columns are compared with: they hold no time zone.
-- warning: `checked` compares TIMESTAMPs with literals
-- warning: `computed` compares TIMESTAMPs with literals
SET time_zone = '+00:00';
CREATE TABLE checked (t TIMESTAMP NULL, CHECK (t <> '1971-03-09 01:00:08'));
INSERT INTO checked VALUES ('1971-03-09 06:30:08');
CREATE TABLE computed (t TIMESTAMP NULL, later INT AS (t > '2020-01-01 00:00:00') VIRTUAL);
INSERT INTO computed (t) VALUES ('2020-01-01 00:00:00'), ('2020-01-01 00:00:01');
CREATE TABLE not_of_moments (d DATETIME, t TIMESTAMP NULL COMMENT 'TIMESTAMP/*WITH LOCAL TIME ZONE*/''2020''', CHECK (d <> '1971-03-09 01:00:08'));

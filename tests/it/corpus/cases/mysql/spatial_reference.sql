-- Geometry columns with a reference system, geographic ones too.
CREATE TABLE g (id INT PRIMARY KEY, p POINT NOT NULL SRID 4326, q GEOMETRY SRID 0, r POLYGON SRID 3857, m MULTIPOLYGON NOT NULL SRID 4326, SPATIAL KEY (p), SPATIAL KEY (m));
INSERT INTO g VALUES (1, ST_GeomFromText('POINT(51.5 -0.12)', 4326), ST_GeomFromText('POINT(1 2)'), ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))', 3857), ST_GeomFromText('MULTIPOLYGON(((0 0,0 1,1 1,0 0)))', 4326)),
 (2, ST_GeomFromText('POINT(-90 180)', 4326), NULL, NULL, ST_GeomFromText('MULTIPOLYGON(((10 10,10 11,11 11,10 10)))', 4326));

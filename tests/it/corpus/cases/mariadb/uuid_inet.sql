-- UUID, INET6 and INET4.
CREATE TABLE t (id INT PRIMARY KEY, u UUID, six INET6, four INET4, d UUID DEFAULT '00000000-0000-0000-0000-000000000001', n INET6 NOT NULL DEFAULT '::1', KEY (u), KEY (six));
INSERT INTO t (id, u, six, four) VALUES (1, '123e4567-e89b-12d3-a456-426614174000', '2001:db8::ff00:42:8329', '192.168.0.1'), (2, NULL, NULL, NULL), (3, '00000000-0000-0000-0000-000000000000', '::', '0.0.0.0'), (4, 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '255.255.255.255'), (5, 'a0eebc99-9c0b-1ef8-8b6d-6bb9bd380a11', '::ffff:192.0.2.128', '10.0.0.1');
CREATE TABLE keyed (u UUID PRIMARY KEY, i INET4, UNIQUE KEY (i));
INSERT INTO keyed VALUES (UUID(), '1.2.3.4'), (UUID(), NULL);

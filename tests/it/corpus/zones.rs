//! Moments that a clock shows twice, on a server whose own time zone has such a clock.

use mysql_async::prelude::Queryable as _;

use crate::faults::private::PrivateServer;

/// A zone whose clock goes back from 3 to 2 on 25 October 2026 at 01:00 UTC. The servers of the tests
/// have no tables of zones.
const ZONE: [&str; 6] = [
    "USE mysql",
    "INSERT INTO time_zone (Use_leap_seconds) VALUES ('N')",
    "SET @zone = LAST_INSERT_ID()",
    "INSERT INTO time_zone_name (Name, Time_zone_id) VALUES ('Test/Clock', @zone)",
    "INSERT INTO time_zone_transition_type \
     (Time_zone_id, Transition_type_id, `Offset`, Is_DST, Abbreviation) \
     VALUES (@zone, 0, 3600, 0, 'ONE'), (@zone, 1, 7200, 1, 'TWO')",
    "INSERT INTO time_zone_transition (Time_zone_id, Transition_time, Transition_type_id) \
     VALUES (@zone, -2147483648, 0), (@zone, 1774746000, 1), (@zone, 1792890000, 0)",
];

const SCRIPT: &[u8] = b"
SET time_zone = '+00:00';
CREATE TABLE by_default (id INT PRIMARY KEY, s TIMESTAMP NOT NULL DEFAULT '2026-10-25 01:30:00', u TIMESTAMP NULL DEFAULT '2026-10-25 00:30:00' ON UPDATE CURRENT_TIMESTAMP);
INSERT INTO by_default (id) VALUES (1);
CREATE TABLE t (id INT PRIMARY KEY, s TIMESTAMP(3) NULL, d DATETIME);
INSERT INTO t VALUES (1, '2026-10-25 00:30:00.5', '2026-10-25 02:30:00'), (2, '2026-10-25 01:30:00.5', '2026-10-25 02:30:00'), (3, '2026-03-29 00:59:59.999', NULL), (4, '2026-03-29 01:00:00', NULL);
CREATE TABLE keyed (s TIMESTAMP NOT NULL, n INT, PRIMARY KEY (s));
INSERT INTO keyed VALUES ('2026-10-25 00:30:00', 1), ('2026-10-25 01:30:00', 2);
SET time_zone = 'Test/Clock';
INSERT INTO t VALUES (5, '2026-10-25 02:30:00', '2026-10-25 02:30:00'), (6, '2026-10-25 03:00:00', NULL);
CREATE TABLE parts (s TIMESTAMP NOT NULL) PARTITION BY RANGE (UNIX_TIMESTAMP(s)) (PARTITION p0 VALUES LESS THAN (1792888200), PARTITION p1 VALUES LESS THAN MAXVALUE);
SET time_zone = '+00:00';
INSERT INTO parts VALUES ('2026-10-25 00:29:59'), ('2026-10-25 00:30:00'), ('2026-10-25 01:30:00');
SET time_zone = 'Test/Clock';
CREATE EVENT once ON SCHEDULE AT '2036-10-25 02:30:00' DISABLE DO SELECT 1;
CREATE EVENT repeated ON SCHEDULE EVERY 1 HOUR STARTS '2026-10-25 02:30:00' ENDS '2036-10-25 02:30:00' DISABLE DO SELECT 1;
";

on_each_server! {
    async fn a_clock_that_goes_back(server: TestServer) {
        let private = PrivateServer::like(&server).await;
        private.run(&ZONE).await;
        private.run(&["SET GLOBAL time_zone = 'Test/Clock'"]).await;
        // The two moments look alike to whoever asks without a zone of his own.
        let mut conn = private.conn().await;
        let sql = "SELECT CAST(FROM_UNIXTIME(1792888200) AS CHAR) = CAST(FROM_UNIXTIME(1792891800) AS CHAR)";
        assert_eq!(conn.query_first(sql).await.unwrap(), Some(1));
        conn.disconnect().await.unwrap();
        Box::pin(crate::corpus::run("clock_that_goes_back", SCRIPT, private.server.clone())).await;
    }
}

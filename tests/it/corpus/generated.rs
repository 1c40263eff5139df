//! Cases whose bytes have to be made by code: too many to be written down, or not text at all.

use std::fmt::Write as _;

use crate::harness::TestServer;

/// Makes a test of each function, for each of the servers. A function returns a script for the
/// stock client, as those in `cases/` are.
macro_rules! generated {
    ($($(#[$meta:meta])* $name:ident on [$($server:ident)+] = $make:expr;)+) => {
        /// The names of the cases.
        pub(super) const NAMES: &[&str] = &[$(stringify!($name)),+];

        /// The head of each case, where its expectations stand.
        pub(super) const HEADS: &[fn() -> Vec<u8>] = &[$(|| {
            let make: fn(&TestServer) -> Vec<u8> = $make;
            make(&TestServer::mysql_9_7())
        }),+];

        $(
            $(#[$meta])*
            mod $name {
                use super::*;
                $(
                    #[tokio::test]
                    async fn $server() {
                        let server = TestServer::$server();
                        let make: fn(&TestServer) -> Vec<u8> = $make;
                        let script = make(&server);
                        Box::pin($crate::corpus::run(stringify!($name), &script, server)).await;
                    }
                )+
            }
        )+
    };
}

generated! {
    /// Every code of one or two bytes that each multi-byte character set takes, and every byte of
    /// the others, in the bytes that are stored.
    character_set_bytes on [mysql_9_7 mariadb_10_11 mariadb_11_8] = character_set_bytes;
    /// Every code point that the Unicode character sets can store.
    unicode_code_points on [mysql_9_7 mariadb_10_11 mariadb_11_8] = |_| unicode_code_points();
    /// Definitions and bodies written by clients of each character set.
    client_character_sets on [mysql_9_7 mariadb_10_11 mariadb_11_8] = client_character_sets;
    /// FLOAT and DOUBLE of every exponent, with the mantissas at which printing goes wrong.
    float_bits on [mysql_9_7 mariadb_10_11 mariadb_11_8] = |_| float_bits();
    /// BIT of every width: no bit, each end, all bits.
    bit_widths on [mysql_9_7 mariadb_10_11 mariadb_11_8] = |_| bit_widths();
    /// Tables with as many columns as an engine takes.
    many_columns on [mysql_9_7 mariadb_10_11 mariadb_11_8] = |_| many_columns();
    /// Rows larger than an INSERT statement, up to what the packet of the server lets through.
    large_rows on [mysql_9_7 mariadb_10_11 mariadb_11_8] = |_| large_rows();
    /// A LONGBLOB of 64 MB, on the server whose packet takes one.
    huge_blob on [mysql_9_7] = |_| huge_blob();
}

/// Character sets in which a character is one byte.
const SINGLE_BYTE: &[&str] = &[
    "armscii8", "ascii", "cp1250", "cp1251", "cp1256", "cp1257", "cp850", "cp852", "cp866", "dec8",
    "geostd8", "greek", "hebrew", "hp8", "keybcs2", "koi8r", "koi8u", "latin1", "latin2", "latin5",
    "latin7", "macce", "macroman", "swe7", "tis620",
];

/// Character sets with characters of one, two and more bytes.
const MULTI_BYTE: &[&str] =
    &["big5", "cp932", "eucjpms", "euckr", "gb2312", "gbk", "sjis", "ujis", "gb18030"];

fn multi_byte(server: &TestServer) -> impl Iterator<Item = &'static str> {
    // The last is MySQL's alone.
    let known = MULTI_BYTE.len() - usize::from(server.is_mariadb());
    MULTI_BYTE.iter().take(known).copied()
}

fn character_set_bytes(server: &TestServer) -> Vec<u8> {
    let mut sql = String::from(
        "-- stock loses: codes that have no or several places in Unicode: they go through utf8mb4\n\
         SET sql_mode = '', group_concat_max_len = 10000000;\n\
         CREATE TEMPORARY TABLE byte (b BINARY(1) PRIMARY KEY) ENGINE=InnoDB;\n",
    );
    let all: Vec<_> = (0..=255).map(|byte| format!("(0x{byte:02X})")).collect();
    let _ = writeln!(sql, "INSERT INTO byte VALUES {};", all.join(","));
    // A temporary table cannot be read twice in one statement on MySQL.
    sql.push_str("CREATE TEMPORARY TABLE trail LIKE byte; INSERT INTO trail SELECT * FROM byte;\n");
    for charset in SINGLE_BYTE {
        // One value a row, so that the report names the byte.
        let _ = writeln!(
            sql,
            "CREATE TABLE {charset}_ (c VARCHAR(3) CHARACTER SET {charset} COLLATE {charset}_bin, \
             id INT PRIMARY KEY);\n\
             INSERT IGNORE INTO {charset}_ SELECT CONCAT('a', b, 'b'), ORD(b) FROM byte;"
        );
    }
    for charset in multi_byte(server) {
        let _ = writeln!(
            sql,
            "CREATE TEMPORARY TABLE codes (b VARBINARY(4) NOT NULL, \
             c VARCHAR(4) CHARACTER SET {charset}) ENGINE=InnoDB;\n\
             INSERT INTO codes (b) SELECT b FROM byte;\n\
             INSERT INTO codes (b) SELECT CONCAT(byte.b, trail.b) FROM byte, trail \
             WHERE byte.b >= 0x81 AND trail.b >= 0x30;"
        );
        if matches!(charset, "eucjpms" | "ujis") {
            sql.push_str(
                "INSERT INTO codes (b) SELECT CONCAT(0x8F, byte.b, trail.b) FROM byte, trail \
                 WHERE byte.b >= 0xA1 AND trail.b >= 0xA1;\n",
            );
        }
        if charset == "gb18030" {
            sql.push_str(
                "INSERT INTO codes (b) SELECT CONCAT(head, b, 0x81, 0x30) FROM byte, \
                 (SELECT 0x8130 AS head UNION SELECT 0x8135 UNION SELECT 0x8234 UNION SELECT 0x8336 \
                  UNION SELECT 0x9030 UNION SELECT 0xE332) AS heads WHERE b = 0x81;\n\
                 INSERT INTO codes (b) SELECT CONCAT(0x8130, byte.b, trail.b) FROM byte, trail \
                 WHERE byte.b BETWEEN 0x81 AND 0xFE AND trail.b BETWEEN 0x30 AND 0x39;\n",
            );
        }
        // What the server does not take as a character it cuts off. The others stand together by
        // their first byte: a few long values instead of many short ones.
        let _ = writeln!(
            sql,
            "UPDATE IGNORE codes SET c = b;\n\
             CREATE TABLE {charset}_ (first VARBINARY(3) PRIMARY KEY, t MEDIUMTEXT CHARACTER SET \
             {charset});\n\
             INSERT INTO {charset}_ SELECT IF(LENGTH(b) = 1, '', SUBSTR(b, 1, LENGTH(b) - 1)), \
             GROUP_CONCAT(c ORDER BY b SEPARATOR '') FROM codes WHERE CAST(c AS BINARY) = b \
             GROUP BY 1;\n\
             DROP TEMPORARY TABLE codes;"
        );
    }
    sql.into_bytes()
}

fn unicode_code_points() -> Vec<u8> {
    let mut sql = String::from("SET sql_mode = '', max_error_count = 0;\n");
    let planes: Vec<u32> = (0..0x10000)
        .chain((0x10000..0x20000).step_by(97))
        .chain((0x1F600..0x1F650).chain(0x20000..0x20100))
        .chain(0x0010_FFF0..0x0011_0000)
        .filter(|point| !(0xD800..0xE000).contains(point))
        .collect();
    for (charset, only_bmp) in [
        ("utf8mb4", false),
        ("utf8mb3", true),
        ("ucs2", true),
        ("utf16", false),
        ("utf16le", false),
        ("utf32", false),
    ] {
        let _ = writeln!(
            sql,
            "CREATE TABLE {charset}_ (id INT PRIMARY KEY, t TEXT CHARACTER SET {charset});"
        );
        let rows: Vec<String> = planes
            .chunks(512)
            .enumerate()
            .filter_map(|(number, points)| {
                let mut hex = String::new();
                for point in points.iter().filter(|point| !only_bmp || **point < 0x10000) {
                    push_code(&mut hex, charset, char::from_u32(*point)?);
                }
                (!hex.is_empty()).then(|| format!("({number},_{charset} 0x{hex})"))
            })
            .collect();
        for rows in rows.chunks(50) {
            let _ = writeln!(sql, "INSERT INTO {charset}_ VALUES {};", rows.join(","));
        }
    }
    sql.into_bytes()
}

/// Appends a character as the hexadecimal digits of its code.
fn push_code(hex: &mut String, charset: &str, character: char) {
    let mut units = [0; 2];
    match charset {
        "utf32" => {
            let _ = write!(hex, "{:08X}", u32::from(character));
        }
        "utf16" | "ucs2" => {
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(hex, "{unit:04X}");
            }
        }
        "utf16le" => {
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(hex, "{:04X}", unit.swap_bytes());
            }
        }
        _ => {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(hex, "{byte:02X}");
            }
        }
    }
}

/// A client's character set, and text in it that is awkward: trail bytes that are a backslash, a
/// backtick or a brace, letters beyond ASCII.
const CLIENTS: &[(&str, &[u8])] = &[
    ("sjis", b"\x83\x5C\x95\x5C\x83\x60 \x93\xFA\x96\x7B"),
    ("cp932", b"\x83\x5C\x95\x5C\x83\x7C\x87\x54"),
    ("gbk", b"\xD0\x5C\xC4\xE3\xBA\xC3"),
    ("big5", b"\xA5\x5C\xB3\x5C\xA4\xA4\xA4\xE5"),
    ("euckr", b"\xC7\xD1\xB1\xDB \xB0\xA1"),
    ("gb2312", b"\xC4\xE3\xBA\xC3"),
    ("eucjpms", b"\xC6\xFC\xCB\xDC\x8E\xB1"),
    ("ujis", b"\xC6\xFC\xCB\xDC\x8E\xB1"),
    ("latin1", b"\xE9\xFC\x80\x9C"),
    ("latin2", b"\xB3\xF3\xBF"),
    ("cp1250", b"\x8A\x9E\xE1"),
    ("cp1251", b"\xCF\xF0\xE8\xE2\xE5\xF2"),
    ("koi8r", b"\xF0\xD2\xC9\xD7\xC5\xD4"),
    ("cp850", b"\x82\x84\xE1"),
    ("cp866", b"\x8F\xE0\xA8\xA2"),
    ("greek", b"\xC1\xE2\xE3"),
    ("hebrew", b"\xF9\xEC\xE5\xED"),
    ("macroman", b"\x8E\x9F\xA7"),
    ("tis620", b"\xCA\xC7\xD1"),
    ("utf8mb3", "é日".as_bytes()),
    ("swe7", b"\x7B\x7D\x5B"),
    ("hp8", b"\xC5\xD9"),
    ("dec8", b"\xE9\xFC"),
    ("cp852", b"\x82\x84"),
    ("cp1256", b"\xC8\xC9"),
    ("cp1257", b"\xE0\xE8"),
    ("latin5", b"\xFD\xFE"),
    ("latin7", b"\xE0\xE8"),
    ("koi8u", b"\xC4\xC5"),
    ("keybcs2", b"\x82\x84"),
    ("macce", b"\x8E\x87"),
    ("armscii8", b"\xB2\xB3"),
    ("geostd8", b"\xC0\xC1"),
    ("binary", "é日".as_bytes()),
    ("gb18030", b"\xD0\x5C\x81\x60\x81\x30\x81\x30"),
];

fn client_character_sets(server: &TestServer) -> Vec<u8> {
    let mut sql =
        b"-- stock loses: comments of programs that clients of other character sets made\n"
            .to_vec();
    let known = CLIENTS.len() - usize::from(server.is_mariadb());
    for (charset, text) in CLIENTS.iter().take(known) {
        // `\C` is the client's own command: it has to cut the text as the server does. Each
        // `@` stands for the text, `#` for the name of the character set.
        let statements = "\\C #
            CREATE TABLE t_# (id INT PRIMARY KEY, c VARCHAR(30) DEFAULT '@' COMMENT '@', \
                e ENUM('@', 'x') DEFAULT '@', g VARCHAR(40) AS (CONCAT(c, '@')), CHECK (c <> 'x@')) \
                CHARACTER SET # COMMENT='@';
            INSERT INTO t_# (id) VALUES (1);
            CREATE TABLE `n_# @` (`@` INT, KEY `k@` (`@`));
            CREATE PROCEDURE p_#(a VARCHAR(10)) COMMENT '@' SELECT '@' AS a;
            CREATE FUNCTION f_#() RETURNS VARCHAR(50) DETERMINISTIC RETURN '@';
            CREATE TRIGGER tr_# BEFORE INSERT ON t_# FOR EACH ROW SET NEW.c = '@';
            CREATE EVENT e_# ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DISABLE \
                COMMENT '@' DO SELECT '@';\n";
        // The stock client takes a trail byte for the backslash or backtick that it looks like.
        let named =
            "CREATE FUNCTION `g_# @`() RETURNS INT DETERMINISTIC COMMENT 'it''s @' RETURN 1;\n";
        let named = if text.iter().any(|byte| b"\\`".contains(byte)) { "" } else { named };
        // MySQL cannot read its own views of such clients.
        let broken = *charset == "swe7" && !server.is_mariadb();
        let view = "CREATE VIEW v_# AS SELECT '@' AS a, c FROM t_# WHERE c <> 'x@';\n";
        let view = if broken { "" } else { view };
        for byte in statements.bytes().chain(view.bytes()).chain(named.bytes()) {
            match byte {
                b'@' => sql.extend_from_slice(text),
                b'#' => sql.extend_from_slice(charset.as_bytes()),
                byte => sql.push(byte),
            }
        }
    }
    sql
}

fn float_bits() -> Vec<u8> {
    let mut sql = String::from(
        "-- stock loses: FLOAT is printed with six digits\n\
         CREATE TABLE floats (id INT PRIMARY KEY, f FLOAT, u FLOAT UNSIGNED);\n\
         CREATE TABLE doubles (id INT PRIMARY KEY, d DOUBLE, u DOUBLE UNSIGNED);\n\
         CREATE TABLE digits (id INT PRIMARY KEY, f FLOAT(7,3), d DOUBLE(20,10), n FLOAT(53), \
         z FLOAT ZEROFILL, w DOUBLE ZEROFILL);\n\
         INSERT INTO digits VALUES (1, 1234.567, 1234567890.0123456789, 0.1, 1.5, 2.5), \
         (2, -0.001, -0.0000000001, 1e300, 0, 0), (3, NULL, NULL, NULL, NULL, NULL);\n",
    );
    // Around powers of two and ten, the shortest text is hardest to get right.
    let mut floats: Vec<f32> = (0..255u32)
        .flat_map(|exponent| {
            [0, 1, 0x0055_5555, 0x007F_FFFE, 0x007F_FFFF].map(|mantissa| exponent << 23 | mantissa)
        })
        .map(f32::from_bits)
        .collect();
    floats.extend([
        16_777_216.0,
        16_777_215.0,
        0.1,
        0.3,
        123_456_792.0,
        8.589_973e9,
        7.038_531e-26,
    ]);
    let row = |id: usize, value: f64| {
        // (DECIMAL has no negative zero.)
        let text = format!("{value:e}");
        let unsigned = if value.is_sign_negative() { "NULL".to_owned() } else { text.clone() };
        format!("({id},{text},{unsigned})")
    };
    let signed = |value: f64| [value, -value];
    let rows: Vec<_> = floats
        .iter()
        .flat_map(|value| signed(f64::from(*value)))
        .enumerate()
        .map(|(id, value)| row(id, value))
        .collect();
    for rows in rows.chunks(500) {
        let _ = writeln!(sql, "INSERT INTO floats VALUES {};", rows.join(","));
    }
    let mut doubles: Vec<f64> = (0..2047u64)
        .flat_map(|exponent| {
            [0, 1, 0x000F_FFFF_FFFF_FFFF].map(|mantissa| exponent << 52 | mantissa)
        })
        .map(f64::from_bits)
        .collect();
    doubles.extend([0.1, 0.3, 9_007_199_254_740_993.0, 1e22, 1e23, 5e-324, f64::MAX]);
    let rows: Vec<_> = doubles
        .iter()
        .flat_map(|value| signed(*value))
        .enumerate()
        .map(|(id, value)| row(id, value))
        .collect();
    for rows in rows.chunks(500) {
        let _ = writeln!(sql, "INSERT INTO doubles VALUES {};", rows.join(","));
    }
    sql.into_bytes()
}

fn bit_widths() -> Vec<u8> {
    let columns: Vec<_> = (1..=64).map(|width| format!("b{width} BIT({width})")).collect();
    let row = |value: &dyn Fn(u32) -> u64| {
        (1..=64).map(|width| value(width).to_string()).collect::<Vec<_>>().join(",")
    };
    let all = |width: u32| u64::MAX >> (64 - width);
    format!(
        "CREATE TABLE bits (id INT PRIMARY KEY, {});\n\
         INSERT INTO bits VALUES (1,{}),(2,{}),(3,{}),(4,{}),(5,{});\n",
        columns.join(","),
        row(&|_| 0),
        row(&|_| 1),
        row(&|width| 1 << (width - 1)),
        row(&all),
        row(&|width| 0x5C27_005C_2700_5C27 & all(width)),
    )
    .into_bytes()
}

fn many_columns() -> Vec<u8> {
    let columns = |count: usize, kind: &str| {
        (0..count).map(|number| format!("c{number} {kind}")).collect::<Vec<_>>().join(",")
    };
    let values =
        |count: usize| (0..count).map(|n| (n % 7).to_string()).collect::<Vec<_>>().join(",");
    format!(
        "CREATE TABLE widest ({}) ENGINE=InnoDB;\nINSERT INTO widest VALUES ({}),({});\n\
         CREATE TABLE wider ({}) ENGINE=MyISAM;\nINSERT INTO wider VALUES ({});\n",
        columns(1017, "INT"),
        values(1017),
        vec!["NULL"; 1017].join(","),
        columns(2500, "TINYINT"),
        values(2500),
    )
    .into_bytes()
}

fn large_rows() -> Vec<u8> {
    String::from(
        "-- stock fails on mariadb: --hex-blob makes two bytes of each, more than the packet takes\n\
         CREATE TABLE t (id INT PRIMARY KEY, a LONGTEXT CHARACTER SET latin1, b LONGBLOB, \
         c LONGTEXT CHARACTER SET cp932);\n\
         INSERT INTO t VALUES (1, 'small', 'small', 'small'),\n\
         (2, REPEAT('a''\\\\', 500000), REPEAT(x'00FF5C27', 400000), NULL),\n\
         (3, REPEAT('b', 1048576), NULL, REPEAT(_cp932 x'835C', 300000)),\n\
         (4, NULL, REPEAT(x'80', 12000000), NULL), (5, 'small', '', '');\n",
    )
    .into_bytes()
}

fn huge_blob() -> Vec<u8> {
    b"-- stock fails: --hex-blob makes two bytes of each, more than the packet takes\n\
      -- warning: max_allowed_packet\n\
      CREATE TABLE t (id INT PRIMARY KEY, b LONGBLOB);\n\
      INSERT INTO t VALUES (1, REPEAT(x'80FE01AB', 16000000)), (2, 'small');\n"
        .to_vec()
}

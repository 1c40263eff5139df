-- The sample database: a public library network with its branches, staff, members and loans.
--
-- One script for MySQL 9.7, MariaDB 10.11 and MariaDB 11.8, written for the stock command line
-- clients (it uses DELIMITER). It is deliberately awkward where a dump can go wrong: tables that
-- reference each other in a circle, views whose names sort before those they read from, values
-- in several character sets, and comments with quotes and line ends in them.

SET NAMES utf8mb4;
SET time_zone = '+00:00';

-- Branches have a head, who is staff; staff work in a branch: the reference back is added below.
CREATE TABLE branches (
  id SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT,
  code CHAR(4) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL,
  name VARCHAR(80) NOT NULL,
  head_id INT UNSIGNED DEFAULT NULL COMMENT 'may be vacant',
  place POINT NOT NULL,
  opened DATE NOT NULL,
  opens_at TIME NOT NULL DEFAULT '09:30:00',
  floor_area DECIMAL(9,2) UNSIGNED DEFAULT NULL,
  hours JSON DEFAULT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY code (code),
  SPATIAL KEY place (place)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci
  COMMENT='The houses; "Haupthaus" first.\nIt''s the oldest table; -- not a comment';

CREATE TABLE staff (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT,
  branch_id SMALLINT UNSIGNED NOT NULL,
  manager_id INT UNSIGNED DEFAULT NULL,
  name VARCHAR(120) NOT NULL,
  email VARCHAR(120) CHARACTER SET ascii DEFAULT NULL,
  pin BINARY(16) NOT NULL,
  duties SET('desk','shelving','children','repair','it''s complicated') NOT NULL DEFAULT 'desk',
  hired DATETIME(6) NOT NULL,
  remark VARCHAR(40) DEFAULT 'none' INVISIBLE,
  PRIMARY KEY (id),
  UNIQUE KEY email (email),
  KEY by_branch (branch_id, name(10)),
  CONSTRAINT staff_branch FOREIGN KEY (branch_id) REFERENCES branches (id),
  CONSTRAINT staff_manager FOREIGN KEY (manager_id) REFERENCES staff (id) ON DELETE SET NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

ALTER TABLE branches
  ADD CONSTRAINT branches_head FOREIGN KEY (head_id) REFERENCES staff (id) ON DELETE SET NULL;

CREATE TABLE works (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT,
  title VARCHAR(300) NOT NULL,
  original_title VARCHAR(300) CHARACTER SET latin1 DEFAULT NULL,
  medium ENUM('book','film','music','game','map, folded') NOT NULL DEFAULT 'book',
  published YEAR DEFAULT NULL,
  isbn CHAR(13) CHARACTER SET ascii DEFAULT NULL,
  blurb MEDIUMTEXT,
  details JSON DEFAULT NULL,
  price DECIMAL(10,3) DEFAULT NULL,
  title_sort VARCHAR(40) GENERATED ALWAYS AS (LEFT(UPPER(title), 40)) VIRTUAL,
  digest CHAR(64) GENERATED ALWAYS AS (SHA2(title, 256)) STORED COMMENT 'of the title',
  PRIMARY KEY (id),
  KEY by_title (title(20)),
  KEY by_sort (title_sort),
  KEY by_medium (medium, published DESC, isbn),
  FULLTEXT KEY words (title, blurb),
  CONSTRAINT works_price CHECK (price IS NULL OR price >= 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE copies (
  barcode BIGINT UNSIGNED NOT NULL,
  work_id INT UNSIGNED NOT NULL,
  branch_id SMALLINT UNSIGNED NOT NULL,
  shelf VARCHAR(20) DEFAULT '',
  state ENUM('','in','out','lost','it''s being mended') NOT NULL DEFAULT 'in',
  flags BIT(12) NOT NULL DEFAULT b'101',
  weight FLOAT DEFAULT NULL,
  tag VARBINARY(64) DEFAULT NULL,
  cover BLOB,
  checked TIMESTAMP(6) NULL DEFAULT NULL,
  PRIMARY KEY (barcode),
  KEY by_work (work_id, branch_id, state),
  KEY by_branch (branch_id),
  KEY by_tag (tag(8)),
  CONSTRAINT copies_branch FOREIGN KEY (branch_id) REFERENCES branches (id),
  CONSTRAINT copies_work FOREIGN KEY (work_id) REFERENCES works (id) ON UPDATE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE members (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT,
  card CHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  name VARCHAR(120) NOT NULL,
  nickname VARCHAR(60) CHARACTER SET latin1 DEFAULT NULL,
  about TEXT,
  born DATE DEFAULT NULL,
  joined TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
  balance DECIMAL(14,4) NOT NULL DEFAULT 0.0000,
  score DOUBLE DEFAULT NULL,
  photo MEDIUMBLOB,
  wishes INT NOT NULL DEFAULT 0 COMMENT 'counted by a trigger',
  PRIMARY KEY (id),
  UNIQUE KEY card (card),
  KEY by_name (name(12), born)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci AUTO_INCREMENT=1000;

CREATE TABLE loans (
  id BIGINT NOT NULL AUTO_INCREMENT,
  barcode BIGINT UNSIGNED NOT NULL,
  member_id INT UNSIGNED NOT NULL,
  lent DATETIME(6) NOT NULL,
  due DATE NOT NULL DEFAULT (CURRENT_DATE + INTERVAL 21 DAY),
  returned DATETIME(6) DEFAULT NULL,
  renewals TINYINT NOT NULL DEFAULT 0,
  days_late INT GENERATED ALWAYS AS (GREATEST(DATEDIFF(returned, due), 0)) VIRTUAL,
  fine DECIMAL(8,2) GENERATED ALWAYS AS (GREATEST(DATEDIFF(returned, due), 0) * 0.20) STORED,
  PRIMARY KEY (id),
  KEY open_first (returned, due),
  KEY by_copy (barcode),
  KEY by_member (member_id),
  CONSTRAINT loans_copy FOREIGN KEY (barcode) REFERENCES copies (barcode),
  CONSTRAINT loans_member FOREIGN KEY (member_id) REFERENCES members (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE reservations (
  member_id INT UNSIGNED NOT NULL,
  work_id INT UNSIGNED NOT NULL,
  made TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  `order` SMALLINT DEFAULT NULL,
  note TINYTEXT,
  PRIMARY KEY (member_id, work_id),
  KEY by_work (work_id),
  CONSTRAINT reservations_member FOREIGN KEY (member_id) REFERENCES members (id) ON DELETE CASCADE,
  CONSTRAINT reservations_work FOREIGN KEY (work_id) REFERENCES works (id) ON DELETE CASCADE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

-- Written by triggers. Data that is loaded while they exist would be counted twice.
CREATE TABLE journal (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  entry VARCHAR(200) NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci;

CREATE TABLE visits (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  day DATE NOT NULL,
  branch_id SMALLINT UNSIGNED NOT NULL,
  stay TIME(6) DEFAULT NULL,
  PRIMARY KEY (id, day)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci
PARTITION BY RANGE (YEAR(day)) (
  PARTITION before_2024 VALUES LESS THAN (2024) COMMENT = 'paper''s age',
  PARTITION in_2024 VALUES LESS THAN (2025),
  PARTITION later VALUES LESS THAN MAXVALUE
);

-- No primary key, and rows that are equal in every column.
CREATE TABLE `gate log` (
  gate TINYINT NOT NULL,
  passed DATETIME DEFAULT NULL,
  direction CHAR(3) NOT NULL DEFAULT 'in',
  `a``b` SMALLINT DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=latin1;

-- One column of every type that has edges, and rows that stand on them.
CREATE TABLE edges (
  id INT NOT NULL AUTO_INCREMENT,
  tiny TINYINT DEFAULT NULL,
  medium MEDIUMINT UNSIGNED DEFAULT NULL,
  big BIGINT DEFAULT NULL,
  ubig BIGINT UNSIGNED DEFAULT NULL,
  dec65 DECIMAL(65,30) DEFAULT NULL,
  single FLOAT DEFAULT NULL,
  twofold DOUBLE DEFAULT NULL,
  day DATE DEFAULT NULL,
  clock TIME(6) DEFAULT NULL,
  moment DATETIME(6) DEFAULT NULL,
  instant TIMESTAMP(6) NULL DEFAULT NULL,
  vintage YEAR DEFAULT NULL,
  bits BIT(64) DEFAULT NULL,
  choice ENUM('','a','b') DEFAULT NULL,
  several SET('x','y','z') DEFAULT NULL,
  fixed CHAR(8) DEFAULT NULL,
  latin VARCHAR(300) CHARACTER SET latin1 DEFAULT NULL,
  wide VARCHAR(100) CHARACTER SET utf16 DEFAULT NULL,
  words TEXT,
  raw_fixed BINARY(8) DEFAULT NULL,
  raw BLOB,
  doc JSON DEFAULT NULL,
  shape GEOMETRY DEFAULT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- busy_branches reads from overdue, which reads from open_loans: in the order of their names none
-- of the first two could be made.
CREATE ALGORITHM = MERGE SQL SECURITY INVOKER VIEW open_loans AS
  SELECT l.id, l.barcode, l.member_id, l.lent, l.due, c.branch_id
  FROM loans l JOIN copies c ON c.barcode = l.barcode
  WHERE l.returned IS NULL;

CREATE VIEW overdue AS
  SELECT o.*, m.name AS `who's late`, DATEDIFF('2026-01-01', o.due) AS days
  FROM open_loans o JOIN members m ON m.id = o.member_id
  WHERE o.due < '2026-01-01';

CREATE ALGORITHM = TEMPTABLE VIEW busy_branches AS
  SELECT b.code, b.name, COUNT(*) AS late, MAX(v.days) AS longest
  FROM overdue v JOIN branches b ON b.id = v.branch_id
  GROUP BY b.code, b.name;

CREATE VIEW adults AS
  SELECT id, card, name, born FROM members WHERE born < '2008-01-01'
  WITH CASCADED CHECK OPTION;

DELIMITER $$

CREATE FUNCTION fine_for(days INT, medium VARCHAR(20) CHARACTER SET utf8mb4) RETURNS DECIMAL(8,2)
  DETERMINISTIC NO SQL
  COMMENT 'what a late return costs; "per day"'
BEGIN
  -- Films cost double; it's the rule since '98.
  DECLARE rate DECIMAL(4,2) DEFAULT 0.20;
  IF medium = 'film' THEN
    SET rate = rate * 2;
  END IF;
  RETURN GREATEST(days, 0) * rate; /* never below zero; "ever" */
END$$

CREATE FUNCTION member_label(member INT UNSIGNED) RETURNS VARCHAR(200) CHARSET utf8mb4
  READS SQL DATA SQL SECURITY INVOKER
BEGIN
  # A reader who has no name is shown by the card's number.
  DECLARE label VARCHAR(200) CHARSET utf8mb4;
  SELECT CONCAT(name, ' (', card, ')', ' \\ ''📚''') INTO label FROM members WHERE id = member;
  RETURN COALESCE(label, "nobody's");
END$$

CREATE VIEW debtors AS
  SELECT id, member_label(id) AS label, balance FROM members WHERE balance < 0$$

CREATE PROCEDURE lend(IN copy BIGINT UNSIGNED, IN member INT UNSIGNED, OUT loan BIGINT)
  MODIFIES SQL DATA
  COMMENT 'hands a copy to a member'
BEGIN
  DECLARE EXIT HANDLER FOR SQLEXCEPTION
  BEGIN
    ROLLBACK;
    RESIGNAL;
  END;
  START TRANSACTION;
  INSERT INTO loans (barcode, member_id, lent, due)
  VALUES (copy, member, NOW(6), CURRENT_DATE + INTERVAL 21 DAY);
  SET loan = LAST_INSERT_ID();
  UPDATE copies SET state = 'out' WHERE barcode = copy;
  COMMIT;
END$$

-- Several statements, a loop, a cursor, and text that looks like client commands.
CREATE PROCEDURE close_day(IN closing DATE)
main: BEGIN
  DECLARE done INT DEFAULT FALSE;
  DECLARE one BIGINT;
  DECLARE late CURSOR FOR SELECT id FROM loans WHERE returned IS NULL AND due < closing;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = TRUE;
  IF closing IS NULL THEN
    LEAVE main;
  END IF;
  OPEN late;
  next_one: LOOP
    FETCH late INTO one;
    IF done THEN
      LEAVE next_one;
    END IF;
    INSERT INTO journal (entry) VALUES (CONCAT('late: ', one, '; DELIMITER // \\! system'));
  END LOOP next_one;
  CLOSE late;
END$$

-- Two triggers at the same moment; the one made last is to run first.
CREATE TRIGGER reservations_count AFTER INSERT ON reservations FOR EACH ROW
BEGIN
  UPDATE members SET wishes = wishes + 1, joined = joined WHERE id = NEW.member_id;
END$$

CREATE TRIGGER a_reservations_journal AFTER INSERT ON reservations FOR EACH ROW
PRECEDES reservations_count
  INSERT INTO journal (entry) VALUES (CONCAT('reserved; work ', NEW.work_id, " for '", NEW.member_id, "'"))$$

CREATE TRIGGER copies_lost BEFORE UPDATE ON copies FOR EACH ROW
BEGIN
  IF NEW.state = 'lost' AND OLD.state <> 'lost' THEN
    SET NEW.checked = NULL;
    INSERT INTO journal (entry) VALUES (CONCAT('lost: ', OLD.barcode));
  END IF;
END$$

CREATE TRIGGER members_gone BEFORE DELETE ON members FOR EACH ROW
  INSERT INTO journal (entry) VALUES (CONCAT('gone: ', OLD.card))$$

-- Their schedules lie far ahead, so that none of them runs while a test looks at the data.
SET time_zone = 'SYSTEM'$$

CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY
  STARTS '2036-03-01 02:30:00' ENDS '2037-03-01 02:30:00'
  ON COMPLETION PRESERVE
  COMMENT 'closes the day; it''s "nightly"'
DO BEGIN
  CALL close_day(CURRENT_DATE);
  DELETE FROM journal WHERE id < 0;
END$$

SET time_zone = '+05:30'$$

CREATE EVENT stocktaking ON SCHEDULE AT '2036-12-31 23:59:59'
  ON COMPLETION NOT PRESERVE
DO UPDATE copies SET checked = NULL$$

SET time_zone = '-08:00'$$

CREATE EVENT reminders ON SCHEDULE EVERY '1:30' HOUR_MINUTE STARTS '2036-06-01 00:00:00'
  ON COMPLETION NOT PRESERVE DISABLE
  COMMENT 'asleep'
DO INSERT INTO journal (entry) VALUES ('reminder')$$

SET time_zone = '+00:00'$$

DELIMITER ;
